"""What an arm comes to: the plan that a training is given, and the summary that the report shows."""

from typing import Any, Literal

from ferlab.params import Arm, Classifier, Compute
from ferlab.params.section import Sha256
from ferlab.records.record import Record

PLAN_KEYS = ("arms", "classifiers", "compute", "run.seeds", "run.draws", "synthesis.seed", "synthesis.per_class")
"""Keys of params.yaml that decide an arm's plan."""


class TunedBy(Record):
    """The trial of a search that settings are from; `identity` is the search's."""

    study: str
    trial: int
    identity: str


class TunedSettings(Record):
    """work/tuned/<classifier>.json: what a search chose, by key of the classifier."""

    values: dict[str, int | float | bool | str]
    study: str
    trial: int
    identity: str

    @property
    def tuned_by(self) -> TunedBy:
        return TunedBy(study=self.study, trial=self.trial, identity=self.identity)


class MethodCode(Record):
    """work/code/<classifier>.json: the hash of all code that a classifier's method is made of."""

    method: str
    sha256: Sha256


class ArmPlan(Record):
    """work/arms/<arm>/<seed>/plan.json: all that decides a training beside FER-2013's own splits.

    It names content alone, never who made it: an equal plan is an equal training.

    Attributes:
        settings: of the classifier, searched values filled in.
        steps: updates; None for a classifier that makes none.
        real_images, added_images: that it trains on: of FER-2013, and of the arm's own.
        added, dropped: SHA-256 of the images added, and of the names of those left out.
        code: SHA-256 of its method's code.
    """

    settings: Classifier
    seed: int
    steps: int | None
    select_on: Literal["valid", "test", "last"]
    held_out: float
    real_images: int
    added_images: int
    added: Sha256
    dropped: Sha256
    compute: Compute
    code: Sha256


class ArmSummary(Record):
    """reports/<budget>/arms/<arm>.json: an arm as its readers want it."""

    arm: Arm
    settings: dict[str, Any]  # of any classifier, also one that this version doesn't know
    tuned_by: TunedBy | None
    real_images: int
    added_images: int
    steps: int | None
