"""params.yaml, whole: its sections, the names that must exist in one another, and the errors that people read."""

import json
import math
from collections.abc import Mapping
from datetime import date
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError, model_validator

from ferlab.errors import UserError, printable
from ferlab.params.data import Audit, Data
from ferlab.params.experiment import CKPLUS, NONE, Arm, Compute, Run, Runtime
from ferlab.params.explain import explain, in_the_file
from ferlab.params.following import check_followed
from ferlab.params.gan import Gan, Quality, Synthesis
from ferlab.params.near import did_you_mean, names
from ferlab.params.own import Classifier, knows_colour
from ferlab.params.section import Name, Section
from ferlab.params.tuning import Tune, check_space
from ferlab.params.votes import check_targets
from ferlab.yaml_file import read_yaml


class Params(Section):
    """params.yaml, whole."""

    budget: Name
    compute: Compute
    run: Run
    data: Data
    audit: Audit
    gan: Gan
    synthesis: Synthesis
    quality: Quality
    classifiers: dict[Name, Classifier]
    tune: Tune
    arms: dict[Name, Arm]
    runtime: Runtime

    @model_validator(mode="after")
    def _names_exist(self) -> "Params":
        for family in self.run.families:
            _must_be_known("run.families", family, self.gan.families)
        if self.run.families and (self.data.side % 16 or self.data.side < 32):
            raise ValueError(
                f"data.side: GANs make images whose side is a multiple of 16, 32 or more; {self.data.side} isn't. "
                "Choose another side, or train no GANs (run.families: [])"
            )
        for name in self.run.evaluate_on:
            _must_be_known("run.evaluate_on", name, [known for known in self.data.all if known != self.data.train])
            if name == self.data.gans and any(source != NONE for source in self.run.arms.values()):
                raise ValueError(
                    f"run.evaluate_on: '{name}' is what the GANs learn from (data.gans), so that arms with added "
                    "images have seen it; name another set, or run only arms that add nothing"
                )
        for name in self.run.tuned:
            _must_be_known("run.tuned", name, self.classifiers)
            self._must_know_colour(f"run.tuned: '{name}'", name)
            self._must_have_votes(f"'{name}' of run.tuned", name)
            try:
                check_space(self.classifiers[name], self.tune, lambda tried: check_targets(tried, self.data))
            except ValueError as error:
                raise ValueError(f"{error} (for '{name}' of run.tuned)") from None
        for name, arm in self.arms.items():
            _must_be_known(f"arms.{name}.classifier", arm.classifier, self.classifiers)
            _must_be_known(f"arms.{name}.synthetic", arm.synthetic, [NONE, CKPLUS, *self.gan.families])
            check_followed(self.arms, name)
            trains_by_epochs = "augmentation" in type(self.classifiers[arm.classifier]).model_fields
            if not trains_by_epochs and (arm.select_on == "test" or not arm.augmentation):
                raise ValueError(f"arms.{name}: '{arm.classifier}' has neither epochs to select nor augmentation")
        for name, source in self.run.arms.items():
            _must_be_known("run.arms", name, self.arms)
            arm = self.arms[name]
            self._must_know_colour(f"run.arms: '{name}', whose classifier is '{arm.classifier}',", arm.classifier)
            added = [self.data.gans] if arm.synthetic == CKPLUS else []  # what a GAN draws, nobody voted on
            self._must_have_votes(f"'{name}' of run.arms", arm.classifier, *added)
            if source != arm.synthetic:
                raise ValueError(
                    f"run.arms: '{name}' waits for '{source}', and arms.{name}.synthetic is '{arm.synthetic}'; write "
                    f"`{name}: {arm.synthetic}`"
                )
            if source not in (NONE, CKPLUS, *self.run.families):
                raise ValueError(f"run.arms: '{name}' needs the synthetic set '{source}', absent from run.families")
            if arm.tuned and "valid" in arm.tests and not self.tune.held_out:
                raise ValueError(
                    f"arms.{name}.tests: valid scores the search that tunes this arm; hold out a part of train for it "
                    "(tune.held_out), or set tuned to false"
                )
            if arm.tuned and arm.classifier not in self.run.tuned:
                raise ValueError(f"run.arms: '{name}' is tuned, but '{arm.classifier}' is absent from run.tuned")
        return self

    def _must_know_colour(self, what: str, classifier: str) -> None:
        if self.data.in_colour and not knows_colour(self.classifiers[classifier]):
            raise ValueError(
                f"{what} takes grey faces alone, and data.channels is {self.data.channels}; set that to 1, or take it "
                "out of `run`. A classifier of yours that takes both says `colour=True` in its ClassifierPart"
            )

    def _must_have_votes(self, whose: str, classifier: str, *added: str) -> None:
        try:
            check_targets(self.classifiers[classifier], self.data, *added)
        except ValueError as error:
            raise ValueError(f"classifiers.{classifier}.{error} (for {whose})") from None

    def section(self, key: str) -> Any:
        """The checked value at a dotted key, e.g. `gan.families.dcgan`.

        Raises:
            KeyError: there is no such key.
        """
        return reduce(_step, key.split("."), self)

    def plain(self, key: str) -> Any:
        """The value at a dotted key as plain JSON types."""
        value = self.section(key)
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json")
        if isinstance(value, dict):
            return {name: self.plain(f"{key}.{name}") for name in value}
        return value


def _step(node: Any, name: str) -> Any:
    return node[name] if isinstance(node, Mapping) else getattr(node, name)


def _must_be_known(key: str, name: str, known: Any) -> None:
    if name not in known:
        raise ValueError(f"{key}: '{name}' is not one of {', '.join(known)}{did_you_mean(name, known)}")


def load(path: Path) -> Params:
    """Read and check params.yaml; a UserError names each key that is unknown, missing, mistyped or out of range."""
    return _load(path, path.read_bytes() if path.is_file() else b"")


@lru_cache(maxsize=4)
def _load(path: Path, _: bytes) -> Params:
    """As `load`; equal bytes aren't parsed twice, which takes half a second each time."""
    return check(read_yaml(path), str(path.name))


def check(values: Any, where: str) -> Params:
    """Check plain values against the schema. `where` names their file in errors."""
    if not isinstance(values, Mapping):
        raise UserError("holds no keys", where=where, next_step="bring back what it held, such as by `git restore`")
    if found := _not_plain(values):
        key, why = found
        raise UserError(f"{key}: {why}", where=where, next_step="change it")
    try:
        # by way of JSON, in which lists may stand for tuples; in the file's order, which is the reports' order of arms
        return Params.model_validate_json(json.dumps(values, allow_nan=False), strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        known = [*names(values), *(in_the_file(item["loc"], Params) for item in errors if item["type"] == "missing")]
        lines = [explain(item, Params, known) for item in errors]
        raise UserError("\n".join(lines), where=where, next_step="correct it and start again") from None
    except (ValueError, TypeError) as error:
        raise UserError(f"a value is not plain YAML: {error}", where=where, next_step="use finite numbers") from None


def _not_plain(values: Any, key: str = "") -> tuple[str, str] | None:
    """The dotted key of the first value that JSON has no word for, and what is wrong with it."""
    if isinstance(values, float):
        return None if math.isfinite(values) else (key, f"{values} is not allowed: it must be a finite number")
    if not isinstance(values, Mapping | list | tuple | str | int | None):
        kind = "a date" if isinstance(values, date) else "of a kind that isn't read"
        return key, f"{printable(values)} is {kind}: a word that looks so is written in quotes"
    if isinstance(values, Mapping):
        if odd := [name for name in values if not isinstance(name, str | int | float | None)]:
            return f"{key}.?" if key else "?", f"{printable(odd[0])} is no key: keys are words"
        below = ((f"{key}.{name}" if key else str(name), value) for name, value in values.items())
    elif isinstance(values, list | tuple):
        below = ((f"{key}.{i}", value) for i, value in enumerate(values))
    else:
        return None
    return next((found for name, value in below if (found := _not_plain(value, name))), None)
