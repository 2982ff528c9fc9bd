"""The rules of docs/evidence.md: what the differences of a family of claims say of direction, size and equivalence.

All shares are 0-1: one point is 0.01. A claim that can't be judged (None) stays in its family with p = 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ferlab.evaluation.comparison import Difference, at_least, at_most, equal_to, holm, outside

ALPHA = 0.05  # of a family, for each of the three questions
WORTH = 0.01  # the smallest gain worth speaking of: one point
MARGINS = (0.01, 0.005)  # within which a gain is practically nothing, the wider first
HOLDS, FAILS, OPEN = "holds", "does not hold", "not decided"

T = TypeVar("T")


@dataclass(frozen=True)
class Direction:
    """Whether a gain is there.

    Attributes:
        word: HOLDS, FAILS or OPEN.
        holds, fails: Holm's p of no gain, and of a gain worth speaking of; 1 where the claim can't be judged.
    """

    word: str
    holds: float
    fails: float


@dataclass(frozen=True)
class Size:
    """A printed gain against ours.

    Attributes:
        printed: the gain in question.
        ruled_out: whether ours is another; else the two are compatible, which is no proof that they are equal.
        apart: how far our 95% interval ends from it; 0 where it lies inside.
        p: Holm's.
    """

    printed: float
    ruled_out: bool
    apart: float
    p: float


@dataclass(frozen=True)
class Equivalence:
    """Whether a gain is practically nothing.

    Attributes:
        margin: the narrowest of MARGINS within which the gain was shown to lie; None where none was.
        p: Holm's, one a margin.
    """

    margin: float | None
    p: tuple[float, ...]


def directions(claims: Sequence[Sequence[Difference] | None]) -> list[Direction]:
    """Of each claim of a family, which says that every one of its differences is above 0.

    It holds if none of them can be 0 or less, and does not hold if one of them can't be WORTH or more. Both tests are
    two-sided, so that all wrong words of a family together stay below ALPHA.
    """
    holding = _holm(claims, lambda pairs: max(2 * at_most(one, 0) for one in pairs))
    failing = _holm(claims, lambda pairs: len(pairs) * min(2 * at_least(one, WORTH) for one in pairs))
    words = [HOLDS if yes < ALPHA else FAILS if no < ALPHA else OPEN for yes, no in zip(holding, failing, strict=True)]
    return [Direction(*one) for one in zip(words, holding, failing, strict=True)]


def sizes(claims: Sequence[tuple[Difference, float] | None]) -> list[Size | None]:
    """Of each claim of a family, given as our difference and the gain that was printed."""
    adjusted = _holm(claims, lambda claim: equal_to(*claim))
    return [None if claim is None else _size(*claim, p) for claim, p in zip(claims, adjusted, strict=True)]


def _size(ours: Difference, printed: float, p: float) -> Size:
    return Size(printed, p < ALPHA, max(printed - ours.high, ours.low - printed, 0.0), p)


def equivalences(claims: Sequence[Difference | None]) -> list[Equivalence | None]:
    """Of each claim of a family: two one-sided tests at ALPHA for each margin."""
    by_margin = [_holm(claims, partial(outside, margin=margin)) for margin in MARGINS]
    by_claim = zip(claims, zip(*by_margin, strict=True), strict=True)
    return [None if claim is None else _equivalence(p) for claim, p in by_claim]


def _equivalence(p: tuple[float, ...]) -> Equivalence:
    shown = [margin for margin, one in zip(MARGINS, p, strict=True) if one < ALPHA]
    return Equivalence(min(shown, default=None), p)


def _holm(claims: Sequence[T | None], p: Callable[[T], float]) -> list[float]:
    adjusted: list[float] = holm([1.0 if claim is None else min(1.0, p(claim)) for claim in claims]).tolist()
    return adjusted
