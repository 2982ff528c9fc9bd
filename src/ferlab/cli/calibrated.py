"""How sure the probabilities that `ferlab predict` prints may be."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ferlab.evaluation.calibration import Calibration
    from ferlab.evaluation.predictions import Predictions
    from ferlab.project import Project
    from ferlab.records.run import RunRecord


@dataclass(frozen=True)
class Confidence:
    """A run's classes, the side and channels of its faces, and its calibration.

    Attributes:
        calibration: None where there is none; `why_not` then says why.
        raw: the user wants the run's own probabilities.
        picked: the validation images that it is fitted on have picked the run's epoch too.
    """

    classes: tuple[str, ...]
    side: int
    channels: int
    calibration: "Calibration | None"
    why_not: str
    raw: bool
    picked: bool

    @classmethod
    def of(cls, project: "Project", record: "RunRecord", raw: bool) -> Self:
        """From the run's record, and what a report says of its validation images.

        Raises:
            UserError: the file is damaged.
        """
        from ferlab.classifiers.catalogue import METHODS, faces_of
        from ferlab.evaluation.calibration import Calibration

        valid, calibration, why_not = _valid(project, record), None, ""
        if record.select_on == "test":
            why_not = "its report's validation predictions are of the epoch that was picked on test"
        elif valid is None:
            why_not = "no report holds what it says of the validation split"
        else:
            calibration = Calibration.of(valid)
            why_not = "" if calibration else f"{len(valid.ids)} validation images are too few"
        faces = faces_of(record)
        picked = record.select_on == "valid" and METHODS[record.settings.method].counts_steps
        return cls(faces.classes, faces.side, faces.channels, calibration, why_not, raw, picked)

    @property
    def applied(self) -> bool:
        """Whether probabilities are calibrated: not where that has helped no images but those that it was fitted on."""
        own = self.calibration
        return own is not None and not self.raw and own.error_after < own.error_before

    def __call__(self, probabilities: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """The probabilities to print: float64 (N, C) to the same."""
        from ferlab.evaluation.calibration import scaled

        if self.calibration is None or not self.applied:
            return probabilities
        return scaled(probabilities, self.calibration.temperature)

    def __str__(self) -> str:
        if self.calibration is None:
            return f"probabilities aren't calibrated: {self.why_not}"
        own = self.calibration
        before = f"expected calibration error {own.error_before:.1%}"
        if self.raw:
            return f"probabilities aren't calibrated (--raw): {before} on {own.images:,} validation images"
        picked = ", which picked its epoch too" if self.picked else ""
        fitted = f"temperature {own.temperature:g} from {own.images:,} validation images{picked}"
        are = "are calibrated" if self.applied else "aren't calibrated, which wouldn't help"
        return f"probabilities {are} ({fitted}): {before} before, {own.error_after:.1%} after"


def _valid(project: "Project", record: "RunRecord") -> "Predictions | None":
    """What the very training of a run says of the validation split, from whichever report has it."""
    from ferlab.evaluation.predictions import read

    paths = sorted(project.root.glob(f"reports/*/valid/{record.arm}-{record.seed}.parquet"))
    return next((found for path in paths if (found := read(path)).run == record.identity), None)
