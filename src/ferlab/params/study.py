"""studies/<name>.yaml: one GAN family, trained several times at each of several settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from ferlab.errors import UserError
from ferlab.files import canonical_json
from ferlab.params.explain import explain
from ferlab.params.gan import GanFamily
from ferlab.params.near import did_you_mean
from ferlab.params.section import Fraction, Name, NonNegative, Section
from ferlab.yaml_file import read_yaml

BASE = "base"  # the setting from which each variation departs


class GanStudy(Section):
    """Which GANs a study trains, and by which thresholds it calls them collapsed.

    Attributes:
        data: the faces that it is meant for.
        labels: expressions of CK+, a GAN each.
        draws: GANs of each expression and setting; the same number has the same first weights, order and noise in all.
        settings: of the base.
        variations: name -> the settings in which it departs from the base.
        thresholds: diversities, as shares of real faces', below which a draw would be called collapsed.
    """

    data: Literal["demo", "real"]
    family: Name
    labels: Annotated[list[Name], Field(min_length=1)]
    draws: Annotated[list[NonNegative], Field(min_length=1)]
    settings: GanFamily
    variations: dict[Name, Annotated[dict[str, int | float | str], Field(min_length=1)]]
    thresholds: Annotated[list[Fraction], Field(min_length=1)]

    @field_validator("labels", "draws", "thresholds")
    @classmethod
    def _named_once(cls, values: list[str | int | float]) -> list[str | int | float]:
        if len(set(values)) != len(values):
            raise ValueError(f"{values} names something twice")
        return values

    @model_validator(mode="after")
    def _points_differ(self) -> "GanStudy":
        points = self.points
        for name, settings in points.items():
            if twin := next((other for other in points if other != name and points[other] == settings), None):
                raise ValueError(f"variations: '{name}' has the settings of '{twin}'")
        return self

    @property
    def points(self) -> Mapping[str, GanFamily]:
        """Name -> settings: the base first, then each variation."""
        return {BASE: self.settings} | {name: self._varied(name) for name in self.variations}

    def _varied(self, name: str) -> GanFamily:
        if name == BASE:
            raise ValueError(f"variations: '{BASE}' is what `settings` says; choose another name")
        changed = self.settings.model_dump(mode="json") | self.variations[name]
        try:
            return GanFamily.model_validate_json(canonical_json(changed), strict=True)
        except ValidationError as error:
            raise ValueError(f"variations.{name}.{explain(error.errors(include_url=False)[0], GanFamily)}") from None


def read_study(root: Path, name: str) -> GanStudy:
    """The study `studies/<name>.yaml` of the project at `root`.

    Raises:
        UserError: there is none of this name, or a budget has it too; or each key of it that is unknown, missing,
            mistyped or out of range.
    """
    known = {path.stem: path for path in sorted((root / "studies").glob("*.yaml"))}
    if name not in known:
        raise UserError(
            f"there is no study '{name}'",
            where="studies/",
            next_step=f"the studies are {', '.join(known) or 'none'}{did_you_mean(name, known)}",
        )
    where = f"studies/{name}.yaml"
    if (root / "budgets" / f"{name}.yaml").exists():
        raise UserError(f"a budget is called '{name}' too", where=where, next_step="rename it: both write to reports/")
    try:
        return GanStudy.model_validate_json(canonical_json(read_yaml(known[name])), strict=True)
    except ValidationError as error:
        lines = [explain(item, GanStudy) for item in error.errors(include_url=False)]
        raise UserError("\n".join(lines), where=where, next_step="correct it and start again") from None
    except (ValueError, TypeError) as error:
        raise UserError(f"a value is not plain YAML: {error}", where=where, next_step="use finite numbers") from None
