"""The small files of one budget, read and checked once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from ferlab.errors import UserError
from ferlab.evaluation.predictions import Predictions, read
from ferlab.params import Params
from ferlab.records.plan import ArmSummary
from ferlab.report.provenance import Origin, origins

T = TypeVar("T")
Runs = dict[str, dict[int, Predictions]]
_REDO = "run `dvc repro`, which makes it anew"


@dataclass(frozen=True)
class Evidence:
    """What lies in `folder` (= reports/<budget>/), read when it is first asked for.

    Attributes:
        params: the settings that the results were made with.
        dirty: whether the code that reads it differs from its commit.
    """

    folder: Path
    params: Params
    dirty: bool = False
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, make: Callable[["Evidence"], T]) -> T:
        """What `make` gives for this evidence, computed when it is first asked for."""
        if make not in self._made:
            self._made[make] = make(self)
        found: T = self._made[make]
        return found

    @cached_property
    def runs(self) -> Runs:
        """As `read_runs` returns them."""
        return read_runs(self.folder, self.params)

    @cached_property
    def arms(self) -> dict[str, Any]:
        """Each arm's plan by name: settings, images, steps; empty where nothing was planned yet."""
        files = sorted((self.folder / "arms").glob("*.json"))
        if not files:
            return read_json(self.folder / "arms.json")  # as it was published once
        summaries = {path.stem: ArmSummary.read(path).model_dump(mode="json") for path in files}
        return {name: summary.pop("arm") | summary for name, summary in summaries.items()}

    @cached_property
    def quality(self) -> dict[str, Any]:
        """GAN family -> expression -> metric -> value."""
        return read_json(self.folder / "quality.json")

    @cached_property
    def audit(self) -> dict[str, Any]:
        """What the audit counted; empty where it hasn't run.

        Raises:
            UserError: it is of other data than params names.
        """
        audit = read_json(self.folder / "audit.json")
        kind, named = audit.get("data", {}).get("kind", self.params.data.kind), self.params.data.kind
        if kind != named:
            raise UserError(
                f"{self.folder.name}/ holds results on {kind} data, and params.yaml says data.kind is {named}",
                where=str(self.folder / "audit.json"),
                next_step="run `dvc repro`, or switch back with `ferlab budget use`",
            )
        return audit

    @cached_property
    def origins(self) -> dict[str, dict[int, Origin]]:
        """Arm -> seed -> where its predictions come from; see `provenance.origins` for what is refused."""
        return origins(self.folder, self.runs, self.arms)

    def selection(self, arm: str, seed: int) -> dict[str, Any]:
        """Which epoch of a run was kept and why; empty where it isn't on file."""
        return read_json(self.folder / "selection" / f"{arm}-{seed}.json")

    def table(self, name: str, *columns: str) -> pd.DataFrame | None:
        """A CSV file of the folder that must have these columns, or None where there is no such file.

        Raises:
            UserError: it is damaged.
        """
        path = self.folder / name
        if not path.exists():
            return None
        try:
            table = pd.read_csv(path)
        except ValueError as error:  # pandas' parser and empty-file errors are ValueErrors
            raise UserError(f"not a table: {error}", where=str(path), next_step=_REDO) from None
        if absent := set(columns) - set(table.columns):
            raise UserError(f"has no column {', '.join(sorted(absent))}", where=str(path), next_step=_REDO)
        return table


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when there is no such file.

    Raises:
        UserError: the file is not a JSON object.
    """
    if not path.exists():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"not JSON: {error}", where=str(path), next_step="remove it and run `dvc repro`") from None
    if not isinstance(value, dict):
        raise UserError("not a JSON object", where=str(path), next_step="remove it and run `dvc repro`")
    return value


def read_runs(folder: Path, params: Params) -> Runs:
    """Predictions of every arm and seed that params names and that has been run: arm -> seed -> predictions.

    Raises:
        UserError: a file is damaged, or runs were scored on different images, so that rows can't be compared.
    """
    runs: Runs = {}
    first: tuple[Path, Mapping[str, int]] | None = None
    for arm in params.run.arms:
        for seed in params.run.seeds:
            path = folder / "predictions" / f"{arm}-{seed}.parquet"
            if not path.exists():
                continue
            run = runs.setdefault(arm, {})[seed] = read(path)
            truth = dict(zip(run.ids, run.truth.tolist(), strict=True))
            first = first or (path, truth)
            if truth.keys() != first[1].keys():
                raise UserError(
                    f"its test images are not those of {first[0].name}, so the two can't stand in one table",
                    where=str(path),
                    next_step="run `dvc repro`, which brings old predictions up to date",
                )
            if truth != first[1]:
                name = next(name for name in truth if truth[name] != first[1][name])
                raise UserError(
                    f"row {run.ids.index(name)}: the true class of {name} is not the one in {first[0].name}",
                    where=str(path),
                    next_step="run `dvc repro`, which brings old predictions up to date",
                )
    return runs
