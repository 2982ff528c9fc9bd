"""What a design can tell before it is run: the chance of each word of docs/evidence.md under an assumed true gain.

A gain is measured with a standard error of sd x sqrt(2 / blocks), and sd itself is only estimated, with (arms - 1) x
(blocks - 1) degrees of freedom. The chance of a word is a normal one, averaged over what the estimate may turn out as:
for one bound this is the noncentral t. All shares are 0-1: one point is 0.01.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from ferlab.evaluation.judgement import ALPHA, MARGINS, WORTH

POWER = 0.8  # the customary chance with which an effect that is there should be found
MOST_BLOCKS = 1000  # beyond which nobody looks
PARTS = 2000  # of the estimated standard error's distribution, equally likely: enough for four decimals

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """A number of blocks of a number of arms.

    Attributes:
        sd: the residual standard deviation that all arms share (`evaluation/blocks.py`).
        claims: how many are corrected together. A chance is that of a claim beside which the others are lost, which is
            the least that Holm's correction leaves to it.
    """

    sd: float
    arms: int
    blocks: int
    claims: int = 2

    @property
    def df(self) -> int:
        return (self.arms - 1) * (self.blocks - 1)

    @property
    def error(self) -> float:
        """Standard error of a difference of two arms."""
        return self.sd * math.sqrt(2 / self.blocks)

    @property
    def two_sided(self) -> float:
        """How many estimated standard errors from a value decide against it, two-sided."""
        return float(stats.t.isf(ALPHA / 2 / self.claims, self.df))

    @property
    def one_sided(self) -> float:
        """The same of a one-sided test."""
        return float(stats.t.isf(ALPHA / self.claims, self.df))


@dataclass(frozen=True)
class Chances:
    """The chance of each word (0-1) if the true gain over the reference is `truth`.

    Attributes:
        nothing: that the gain is shown to lie within each of MARGINS.
    """

    truth: float
    holds: float
    fails: float
    nothing: tuple[float, ...]

    @property
    def undecided(self) -> float:
        """Of neither direction."""
        return max(0.0, 1 - self.holds - self.fails)


def chances(design: Design, truth: float) -> Chances:
    """What the design says of a gain of `truth`, and how often."""
    two = design.two_sided
    return Chances(
        truth,
        _holds(design, truth),
        _between(
            design,
            truth,
            lambda error: np.full_like(error, -np.inf),
            lambda error: np.minimum(WORTH - two * error, two * error),  # what holds doesn't also fail
        ),
        tuple(_nothing(design, truth, margin) for margin in MARGINS),
    )


def _nothing(design: Design, truth: float, margin: float) -> float:
    one = design.one_sided
    return _between(design, truth, lambda error: one * error - margin, lambda error: margin - one * error)


def _holds(design: Design, truth: float) -> float:
    return float(stats.nct.sf(design.two_sided, design.df, truth / design.error))


def smallest_gain(design: Design, power: float = POWER) -> float:
    """The smallest true gain that holds with this chance."""

    enough = design.error
    while _holds(design, enough) < power:
        enough *= 2
    return float(optimize.brentq(lambda gain: _holds(design, gain) - power, 0.0, enough, xtol=1e-7))


def blocks_needed(design: Design, gain: float, power: float = POWER) -> int | None:
    """How many blocks it takes, at least two, for a true gain to hold with this chance; None beyond MOST_BLOCKS."""
    numbers = range(2, MOST_BLOCKS + 1)
    place = bisect_left(numbers, power, key=lambda blocks: _holds(replace(design, blocks=blocks), gain))
    return numbers[place] if place < len(numbers) else None


def pessimistic(sd: float, df: int, confidence: float = POWER) -> float:
    """What a standard deviation that was estimated with few degrees of freedom stays below with this confidence."""
    return sd * float(np.sqrt(df / stats.chi2.ppf(1 - confidence, df)))


def _between(design: Design, truth: float, low: Callable[[Values], Values], high: Callable[[Values], Values]) -> float:
    """The chance that a measured gain falls between two bounds, each a function of its estimated standard error."""
    shares = (np.arange(PARTS) + 0.5) / PARTS
    error = design.error * np.sqrt(stats.chi2.ppf(shares, design.df) / design.df)
    inside = stats.norm.cdf(high(error), truth, design.error) - stats.norm.cdf(low(error), truth, design.error)
    return float(np.clip(inside, 0, None).mean())
