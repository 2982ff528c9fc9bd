"""Whether two runs, or two arms over seeds, differ: scipy's and statsmodels' tests, put to prediction files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from ferlab.errors import UserError
from ferlab.evaluation.intervals import LEVEL
from ferlab.evaluation.predictions import Predictions

_NO_SPREAD = 1e-12  # a smaller standard error is rounding: one test image in 10^4 is 10^-4


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
    """A mean difference over paired seeds (second minus first), and how well it is known.

    Attributes:
        values: the difference of each pair, in the unit of what was given.
        mean: of them.
        error: the mean's standard error; NaN where it can't be told: fewer than two pairs, or no spread at all.
        df: degrees of freedom behind the standard error.
    """

    values: tuple[float, ...]
    mean: float
    error: float
    df: int

    @property
    def varies(self) -> bool:
        """Whether there is a spread from which an interval can be made."""
        return not math.isnan(self.error)

    @property
    def low(self) -> float:
        """Lower bound of Student's 95% interval; NaN where nothing varies."""
        return self.mean - float(stats.t.ppf((1 + LEVEL) / 2, self.df)) * self.error

    @property
    def high(self) -> float:
        """Upper bound of Student's 95% interval; NaN where nothing varies."""
        return self.mean + float(stats.t.ppf((1 + LEVEL) / 2, self.df)) * self.error

    @property
    def p(self) -> float:
        """Two-sided p of no difference; NaN where nothing varies."""
        return equal_to(self, 0)


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
    return second.take(order)


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
    values = differences(first, second)
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return difference_of(values, spread / len(values) ** 0.5, len(values) - 1)


def differences(first: Sequence[float], second: Sequence[float]) -> tuple[float, ...]:
    """Second minus first, pair by pair."""
    return tuple((np.asarray(second) - np.asarray(first)).tolist())


def difference_of(values: tuple[float, ...], error: float, df: int) -> Difference:
    """The mean of paired differences with a standard error that may come from more than these pairs."""
    return Difference(values, float(np.mean(values)), error if error > _NO_SPREAD else math.nan, df)


def effect(difference: Difference) -> tuple[float, float, float]:
    """Cohen's d of paired values (mean over standard deviation), and its 95% interval; NaN where nothing varies.

    The bounds are those noncentralities at which this t statistic would be the 97.5th and the 2.5th percentile
    (Steiger and Fouladi 1997).
    """
    if not difference.varies:
        return math.nan, math.nan, math.nan
    n = len(difference.values)
    statistic = difference.mean / float(stats.sem(difference.values))
    shares = ((1 + LEVEL) / 2, (1 - LEVEL) / 2)
    low, high = (float(special.nctdtrinc(n - 1, share, statistic)) / n**0.5 for share in shares)
    return statistic / n**0.5, low, high


def equal_to(difference: Difference, value: float) -> float:
    """Two-sided p of the hypothesis that the true mean difference is `value`; NaN where nothing varies."""
    return 2 * float(stats.t.sf(abs(difference.mean - value) / difference.error, difference.df))


def at_least(difference: Difference, bound: float) -> float:
    """One-sided p of the hypothesis that the true mean difference is `bound` or more; NaN where nothing varies."""
    return float(stats.t.cdf((difference.mean - bound) / difference.error, difference.df))


def at_most(difference: Difference, bound: float) -> float:
    """One-sided p of the hypothesis that the true mean difference is `bound` or less; NaN where nothing varies."""
    return float(stats.t.sf((difference.mean - bound) / difference.error, difference.df))


def outside(difference: Difference, margin: float) -> float:
    """p of the hypothesis that the true mean difference is `margin` or more in size; NaN where nothing varies.

    Two one-sided tests (Schuirmann 1987): the larger p counts.
    """
    return max(at_least(difference, margin), at_most(difference, -margin))


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Holm's adjusted p-values of one family of tests, in the order given (Holm 1979).

    Not statsmodels': each of its calls collects the process's whole garbage, three quarters of the time a page took.
    """
    order = np.argsort(p)
    steps = np.arange(len(p), 0, -1) * np.asarray(p)[order]
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(steps).clip(max=1)
    return adjusted
