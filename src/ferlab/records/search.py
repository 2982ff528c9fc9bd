"""reports/<budget>/tuning/<classifier>.json: what a search was told, and what it chose."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ferlab.files import write_json
from ferlab.params import Median, Scalar, Tune
from ferlab.params.section import Fraction
from ferlab.params.tuning import Pruner
from ferlab.records.record import Record

Values = dict[str, Scalar]
"""Dotted key of the classifier -> value."""


NEAR = 0.05  # a network that has begun to tell classes apart soon lies further above the commonest class's share


def ranks(values: Iterable[float | None], majority: float) -> bool:
    """Whether any trial is far enough above always answering the commonest class for their order to mean much.

    Args:
        values: the trials' validation accuracies (0-1).
        majority: the share (0-1) of the commonest class.
    """
    return any(value is not None and value > majority + NEAR for value in values)


class SearchTune(Tune):
    """What a search was told. One of an earlier version could be told neither of these, and did as they say."""

    pruner: Pruner = Median(kind="median")
    held_out: Fraction = 0.0


class SearchImages(Record):
    """How many images trials are trained on (`part`), the best of them once more (`whole`), and all are judged on.

    Attributes:
        commonest: how many of those judged on are of one class, at most; None in searches of earlier versions.
    """

    part: int
    whole: int
    valid: int
    commonest: int | None = None


class Reference(Record):
    """The paper's setting, trained as the trials are; `part` is its validation accuracy (0-1), None if not finite."""

    values: Values
    part: float | None


class Trial(Record):
    """A trial's validation accuracy (0-1) after the part, and after the whole training split.

    Attributes:
        whole: None if it wasn't finite; absent from the file where nothing was trained on the whole.
    """

    trial: int
    values: Values
    part: float
    whole: float | None = None

    @property
    def on_whole(self) -> bool:
        """Whether it was trained on the whole."""
        return "whole" in self.model_fields_set


class SearchRecord(Record):
    """One classifier's search.

    Attributes:
        states: trials by state, e.g. PRUNED.
        transfer: the best trials, trained on the whole; the best on the part first.
        importances: key -> share of the variance among trials; empty after too few.
    """

    study: str
    identity: str
    tune: SearchTune
    images: SearchImages
    states: dict[str, int]
    reference: Reference
    transfer: tuple[Trial, ...]
    chosen: Trial
    importances: dict[str, float]

    def plain(self) -> dict[str, Any]:
        """As JSON types; a trial says nothing of the whole where it wasn't trained on it."""
        return self.model_dump(mode="json", exclude_unset=True)

    def write(self, path: Path) -> None:
        """Write it as canonical JSON, atomically."""
        write_json(path, self.plain())
