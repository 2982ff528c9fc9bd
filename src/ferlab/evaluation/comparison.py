"""Whether two runs, or two arms over seeds, differ: scipy's and statsmodels' tests, put to prediction files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from ferlab.errors import UserError
from ferlab.evaluation.intervals import LEVEL
from ferlab.evaluation.predictions import Predictions

_NO_SPREAD = 1e-12  # differences that vary less than this don't vary: one test image in 10^4 is 10^-4


@dataclass(frozen=True)
class Flips:
    """McNemar's exact test of two runs on the same images.

    It is conditional on the two trained models: it says nothing of what other seeds would give.

    Attributes:
        lost: images that only the first run gets right.
        won: images that only the second run gets right.
        p: two-sided.
    """

    lost: int
    won: int
    p: float


@dataclass(frozen=True)
class Difference:
    """A mean difference over paired seeds (second minus first), with Student's t interval.

    Attributes:
        values: the difference of each pair, in the unit of what was given.
        mean, low, high: the 95% interval is NaN where it can't be told: fewer than two pairs, or no spread at all.
        p: two-sided, of no difference; NaN where the interval is.
    """

    values: tuple[float, ...]
    mean: float
    low: float
    high: float
    p: float

    @property
    def varies(self) -> bool:
        """Whether there is a spread from which an interval can be made."""
        return _varies(self.values)


def _varies(values: Sequence[float]) -> bool:
    return len(values) > 1 and float(np.ptp(values)) > _NO_SPREAD


def align(first: Predictions, second: Predictions, names: tuple[str, str] = ("the first", "the second")) -> Predictions:
    """`second` with its rows in the order of `first`.

    Raises:
        UserError: they don't tell the same classes apart or cover the same images, or don't agree on the true class
            of one; the image is named.
    """
    if first.classes != second.classes:
        raise UserError(
            f"it tells {', '.join(second.classes)} apart, and {names[0]} {', '.join(first.classes)}",
            where=names[1],
            next_step="compare runs on one data set",
        )
    place = {name: i for i, name in enumerate(second.ids)}
    if absent := sorted(set(first.ids) ^ place.keys()):
        holder = names[1] if absent[0] in place else names[0]
        raise UserError(
            f"the two don't cover the same images: {len(absent)} stand in one alone, such as {absent[0]}",
            where=holder,
            next_step="compare runs of one test split",
        )
    order = np.array([place[name] for name in first.ids])
    truth = second.truth[order]
    if (wrong := np.flatnonzero(truth != first.truth)).size:
        raise UserError(
            f"row {order[wrong[0]]}: the true class of {first.ids[wrong[0]]} is not the one in {names[0]}",
            where=names[1],
            next_step="compare runs of one test split",
        )
    return replace(second, ids=first.ids, truth=truth, probabilities=second.probabilities[order])


def mcnemar(first: Predictions, second: Predictions) -> Flips:
    """McNemar's exact test of two runs with rows in the same order (see `align`)."""
    lost = int((first.correct & ~second.correct).sum())
    won = int((~first.correct & second.correct).sum())
    both = int((first.correct & second.correct).sum())
    table = [[both, lost], [won, len(first.ids) - both - lost - won]]
    return Flips(lost, won, float(statsmodels_mcnemar(table, exact=True).pvalue))


def paired(first: Sequence[float], second: Sequence[float]) -> Difference:
    """The difference second minus first over pairs (one a seed), with the t interval of paired differences.

    With few seeds a bootstrap covers too little; Student's t keeps what it promises (docs/evidence.md).
    """
    values = tuple((np.asarray(second) - np.asarray(first)).tolist())
    mean = float(np.mean(values))
    if not _varies(values):
        return Difference(values, mean, math.nan, math.nan, math.nan)
    test = stats.ttest_1samp(values, 0)
    interval = test.confidence_interval(LEVEL)
    return Difference(values, mean, float(interval.low), float(interval.high), float(test.pvalue))


def effect(difference: Difference) -> tuple[float, float, float]:
    """Cohen's d of paired values (mean over standard deviation), and its 95% interval; NaN where nothing varies.

    The bounds are those noncentralities at which this t statistic would be the 97.5th and the 2.5th percentile
    (Steiger and Fouladi 1997).
    """
    if not difference.varies:
        return math.nan, math.nan, math.nan
    n = len(difference.values)
    statistic = float(stats.ttest_1samp(difference.values, 0).statistic)
    shares = ((1 + LEVEL) / 2, (1 - LEVEL) / 2)
    low, high = (float(special.nctdtrinc(n - 1, share, statistic)) / n**0.5 for share in shares)
    return statistic / n**0.5, low, high


def at_least(difference: Difference, bound: float) -> float:
    """One-sided p of the hypothesis that the true mean difference is `bound` or more; NaN where nothing varies."""
    if not difference.varies:
        return math.nan
    return float(stats.ttest_1samp(difference.values, bound, alternative="less").pvalue)


def at_most(difference: Difference, bound: float) -> float:
    """One-sided p of the hypothesis that the true mean difference is `bound` or less; NaN where nothing varies."""
    if not difference.varies:
        return math.nan
    return float(stats.ttest_1samp(difference.values, bound, alternative="greater").pvalue)


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Holm's adjusted p-values of one family of tests, in the order given."""
    adjusted: NDArray[np.float64] = multipletests(p, method="holm")[1]
    return adjusted
