"""The small files of one budget, read and checked once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from ferlab.data.labels import classes_of
from ferlab.errors import UserError
from ferlab.papers import Paper, shipped
from ferlab.params import NONE, Params
from ferlab.records.audit import Audit
from ferlab.records.plan import ArmSummary
from ferlab.records.published import read_arms, read_audit, read_quality, read_search, read_selection
from ferlab.records.quality import FamilyQuality
from ferlab.records.run import Selection
from ferlab.records.search import SearchRecord
from ferlab.report.data_sets import DataSets
from ferlab.report.provenance import Origin, origins
from ferlab.report.runs import Runs, read_runs

T = TypeVar("T")
_REDO = "run `dvc repro`, which makes it anew"


@dataclass(frozen=True)
class Evidence:
    """What lies in `folder` (= reports/<budget>/), read when it is first asked for.

    Attributes:
        params: the settings that the results were made with.
        paper: what they are held against; by default the paper that ships with ferlab.
    """

    folder: Path
    params: Params
    paper: Paper = field(default_factory=shipped)
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, make: Callable[["Evidence"], T]) -> T:
        """What `make` gives for this evidence, computed when it is first asked for."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    @cached_property
    def runs(self) -> Runs:
        """What each arm's runs say of the splits that judge it: the basis of every table and verdict."""
        return read_runs(self.folder, self.params)

    @cached_property
    def test_runs(self) -> Runs:
        """What each arm's runs say of the split `test` alone, whatever judges it; `runs` itself where that is all."""
        if all(arm.tests == ["test"] for arm in self.params.arms.values()):
            return self.runs
        return read_runs(self.folder, self.params, ("test",))

    @cached_property
    def arms(self) -> Mapping[str, ArmSummary]:
        """What each arm comes to, by name; empty where nothing was planned yet."""
        return read_arms(self.folder, self.params.run.arms)

    @cached_property
    def quality(self) -> Mapping[str, FamilyQuality]:
        """How good each GAN family's images are, by name, and real faces (`real`); empty where none was judged."""
        quality = read_quality(self.folder)
        return quality.families if quality else {}

    @cached_property
    def audit(self) -> Audit | None:
        """What the audit counted; None where it hasn't run.

        Raises:
            UserError: it is of other data than params names.
        """
        audit = read_audit(self.folder)
        named = self.params.data.kind
        if audit and audit.data.kind != named:
            raise UserError(
                f"{self.folder.name}/ holds results on {audit.data.kind} data, and params.yaml says data.kind is "
                f"{named}",
                where=str(self.folder / "audit.json"),
                next_step="run `dvc repro`, or switch back with `ferlab budget use`",
            )
        return audit

    @property
    def data_sets(self) -> DataSets:
        """What the data sets are called."""
        return DataSets.of(self.params, self.paper)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes that the runs tell apart; where nothing has been run, those of the set that is trained on."""
        first = next((run for seeds in self.runs.values() for run in seeds.values()), None)
        return first.classes if first else classes_of(self.params.data, self.params.data.train)

    @cached_property
    def gan_classes(self) -> tuple[str, ...]:
        """The classes that GANs draw, in the order of their samples."""
        return classes_of(self.params.data, self.params.data.gans)

    @cached_property
    def has_contempt(self) -> bool:
        """Whether arms add images of a set with contempt to one without, so that a policy says what becomes of it."""
        adds = any(source != NONE for source in self.params.run.arms.values())
        return adds and "contempt" in self.gan_classes and "contempt" not in self.classes

    @cached_property
    def origins(self) -> dict[str, dict[int, Origin]]:
        """Arm -> seed -> where its predictions come from; see `provenance.origins` for what is refused."""
        settings = {name: {"settings": arm.settings} for name, arm in self.arms.items()}
        return origins(self.folder, self.test_runs, settings)

    def selection(self, arm: str, seed: int) -> Selection | None:
        """Which epoch of a run was kept and why; None where it isn't on file."""
        return read_selection(self.folder / "selection" / f"{arm}-{seed}.json")

    def search(self, classifier: str) -> SearchRecord | None:
        """What the search for a classifier's settings came to; None where it isn't on file."""
        return read_search(self.folder, classifier)

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
