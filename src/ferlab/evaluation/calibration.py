"""Temperature scaling (Guo et al. 2017, section 4.2): probabilities that are as sure as the run is right.

One number divides the logarithms of a run's probabilities. It never changes which class is the most probable. It is
right for images like those of the validation split, and for no others.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ferlab.evaluation.metrics import calibration_error
from ferlab.evaluation.predictions import Predictions

FOLDS = 5  # of the estimate of what is left of the error
LEAST = 1e-12  # a probability below this counts as this in a logarithm
_RANGE = (
    0.02,
    50.0,
)  # of temperatures that are looked for; a run that is always right, or never, would have no best one


@dataclass(frozen=True)
class Calibration:
    """What makes a run's probabilities calibrated, and how far they are it.

    Attributes:
        temperature: above 1 the run was too sure, below 1 not sure enough.
        images: of the validation split, that it was fitted on.
        error_before: expected calibration error (0-1) of the run's own probabilities for them.
        error_after: the same once calibrated, each fifth of the images by the temperature of the others.
    """

    temperature: float
    images: int
    error_before: float
    error_after: float

    @classmethod
    def of(cls, valid: Predictions) -> Self | None:
        """Fitted on what a run says of the validation split; None where this has fewer than five images."""
        images = len(valid.ids)
        if images < FOLDS:
            return None
        fold = np.random.default_rng(0).permutation(images) % FOLDS
        probabilities = np.empty_like(valid.probabilities)
        for k in range(FOLDS):
            others, own = valid.only(fold != k), fold == k
            probabilities[own] = scaled(valid.probabilities[own], temperature(others))
        after = replace(valid, probabilities=probabilities)
        return cls(temperature(valid), images, calibration_error(valid), calibration_error(after))


def temperature(predictions: Predictions) -> float:
    """The temperature under which the true classes are most likely, rounded to four digits.

    The negative log likelihood has one minimum in it. It is looked for from 0.02 to 50.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(predictions.truth))

    def loss(logarithm: float) -> float:
        chances = scaled(predictions.probabilities, float(np.exp(logarithm)))[rows, predictions.truth]
        return -float(np.log(np.maximum(chances, LEAST)).mean())

    lowest, highest = (float(np.log(end)) for end in _RANGE)
    found = minimize_scalar(loss, bounds=(lowest, highest), method="bounded", options={"xatol": 1e-7})
    return float(f"{np.exp(found.x):.4g}")


def scaled(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """softmax(log p / T): float64 (N, C) to the same, rows summing to 1."""
    from scipy.special import softmax

    scaled: NDArray[np.float64] = softmax(np.log(np.maximum(probabilities, LEAST)) / temperature, axis=1)
    return scaled
