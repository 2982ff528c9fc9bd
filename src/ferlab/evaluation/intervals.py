"""Intervals of accuracies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """An accuracy with its 95% interval, all in 0-1.

    Attributes:
        method: how the interval was made.
        covers: what it speaks of: other `seeds` or other `images`.
    """

    value: float
    low: float
    high: float
    method: str
    covers: Literal["seeds", "images"]


def wilson(correct: int, n: int, runs: int = 1) -> Interval:
    """Accuracy of one trained model over n images, with Wilson's score interval.

    It covers the choice of test images, not the choice of seed.

    Args:
        runs: how many there are of this same accuracy.
    """
    low, high = proportion_confint(correct, n, alpha=1 - LEVEL, method="wilson")
    which = "1 run" if runs == 1 else f"{runs} equal runs"
    return Interval(correct / n, float(low), float(high), f"Wilson, {which}, n = {n}", "images")


def over_seeds(accuracies: Sequence[float]) -> Interval:
    """Mean accuracy over at least two seeds, with Student's t interval of that mean."""
    values = np.asarray(accuracies)
    mean = float(values.mean())
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)) * float(stats.sem(values))
    return Interval(mean, max(0.0, mean - half), min(1.0, mean + half), f"t over {len(values)} seeds", "seeds")


def of_runs(accuracies: Sequence[float], n: int) -> Interval:
    """Mean accuracy of an arm's runs over n images, with Student's t interval over its seeds.

    One run has Wilson's interval over the images. So have runs that are all equally accurate, as those of a support
    vector machine are: they say nothing of what other seeds would give.
    """
    if len(set(accuracies)) == 1:
        return wilson(round(accuracies[0] * n), n, len(accuracies))
    return over_seeds(accuracies)
