"""A trained run: what work/runs/<arm>-<seed>/run.json says of the weights beside it."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from ferlab.params import Classifier
from ferlab.params.migration import migrated_classifier
from ferlab.records.record import Record

FILE = "run.json"

Settings = Annotated[Classifier, BeforeValidator(migrated_classifier)]
"""Also of before a choice that there is now; classifiers outlive the version that trained them."""


class RunRecord(Record):
    """Which training this is, and what it came to.

    Attributes:
        identity, manifest: of the training (`training.identity`).
        selected_epoch: whose weights were kept.
        valid_accuracy: of that epoch, 0-1.
        notes: what the classifier says besides, e.g. `converged`.
        classes, side, channels: of the faces that it was trained on; None in records of before other faces could be.
    """

    arm: str
    seed: int
    identity: str
    manifest: dict[str, Any]
    settings: Settings
    select_on: Literal["valid", "test", "last"]
    selected_epoch: int
    valid_accuracy: float
    notes: dict[str, float | int | bool]
    classes: tuple[str, ...] | None = None
    side: int | None = None
    channels: int | None = None


class Selection(Record):
    """reports/<budget>/selection/<arm>-<seed>.json: which epoch of a run was judged, and what validation would take."""

    arm: str
    seed: int
    identity: str
    settings: Settings
    select_on: Literal["valid", "test", "last"]
    selected_epoch: int
    valid_would_select: int
    valid_accuracy: float
    notes: dict[str, float | int | bool]
