"""Two runs, or two arms over seeds, side by side: how much they differ, in which classes, on which images."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ferlab.errors import UserError
from ferlab.evaluation.comparison import align, effect, mcnemar, paired
from ferlab.evaluation.intervals import wilson
from ferlab.evaluation.metrics import recalls, scores
from ferlab.evaluation.predictions import Predictions

Seeds = Mapping[int, Predictions] | Mapping[None, Predictions]
"""Seed -> predictions; None where the seed isn't known."""

Pair = tuple[int | None, Predictions, Predictions]
"""A seed, and what the two runs say of the same images in the same order."""


@dataclass(frozen=True)
class Scored:
    """One run's accuracy (0-1) with Wilson's interval, and the training's identity."""

    accuracy: float
    low: float
    high: float
    identity: str


@dataclass(frozen=True)
class PairOfRuns:
    """Two runs of one seed, with McNemar's exact test, which is conditional on the two trained models.

    Attributes:
        lost, won: images that only the first run gets right, and only the second.
    """

    seed: int | None
    first: Scored
    second: Scored
    lost: int
    won: int
    mcnemar_p: float


@dataclass(frozen=True)
class OverSeeds:
    """The difference of accuracy (0-1, second minus first) over paired seeds.

    Attributes:
        mean, low, high, p: with Student's t interval and two-sided test.
        effect, effect_low, effect_high: Cohen's d with its interval.
    """

    mean: float
    low: float
    high: float
    p: float
    seeds: int
    effect: float
    effect_low: float
    effect_high: float


@dataclass(frozen=True)
class Means:
    """A score of both, as means over the pairs."""

    first: float
    second: float
    difference: float


@dataclass
class Flip:
    """An image that some pairs disagree on, and in how many of them it was lost or won."""

    id: str
    truth: str
    lost: int = 0
    won: int = 0


@dataclass(frozen=True)
class Contrast:
    """What the second does that the first doesn't.

    Attributes:
        first, second: their names.
        pairs: seed by seed.
        difference: over seeds; None below two pairs, or where all differ equally.
        scores, recall: by name of score, and by class; a class that never occurs is absent.
        images: those that flip, the most one-sided first.
    """

    first: str
    second: str
    pairs: tuple[PairOfRuns, ...]
    difference: OverSeeds | None
    scores: dict[str, Means]
    recall: dict[str, Means]
    images: tuple[Flip, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def contrast(first: Seeds, second: Seeds, names: tuple[str, str]) -> Contrast:
    """Single runs are compared whatever their seeds; arms over the seeds that both have.

    Raises:
        UserError: they share no seed, or aren't of the same images.
    """
    pairs = [(seed, one, align(one, other, names)) for seed, one, other in _matched(first, second, names)]
    for _, one, _ in pairs[1:]:
        align(pairs[0][1], one, (names[0], names[0]))
    return Contrast(
        first=names[0],
        second=names[1],
        pairs=tuple(_pair(*pair) for pair in pairs),
        difference=_over_seeds(pairs),
        scores=_means(pairs, scores),
        recall=_means(pairs, lambda run: dict(zip(run.classes, recalls(run).tolist(), strict=True))),
        images=_flips(pairs),
    )


def _matched(first: Seeds, second: Seeds, names: tuple[str, str]) -> list[Pair]:
    before: dict[int | None, Predictions] = dict(first.items())
    after: dict[int | None, Predictions] = dict(second.items())
    if len(before) == len(after) == 1:
        (seed, one), other = next(iter(before.items())), next(iter(after.values()))
        return [(seed, one, other)]
    matched = [(seed, before[seed], after[seed]) for seed in before if seed in after]
    if not matched:
        raise UserError("the two have no seed in common", where=" and ".join(names), next_step="compare single runs")
    return matched


def _pair(seed: int | None, first: Predictions, second: Predictions) -> PairOfRuns:
    flips = mcnemar(first, second)
    return PairOfRuns(seed, _scored(first), _scored(second), flips.lost, flips.won, flips.p)


def _scored(run: Predictions) -> Scored:
    interval = wilson(int(run.correct.sum()), len(run.correct))
    return Scored(interval.value, interval.low, interval.high, run.run)


def _over_seeds(pairs: Sequence[Pair]) -> OverSeeds | None:
    before = [float(first.correct.mean()) for _, first, _ in pairs]
    difference = paired(before, [float(second.correct.mean()) for _, _, second in pairs])
    if not difference.varies:
        return None
    d, low, high = effect(difference)
    return OverSeeds(difference.mean, difference.low, difference.high, difference.p, len(pairs), d, low, high)


def _means(pairs: Sequence[Pair], measure: Callable[[Predictions], Mapping[str, float]]) -> dict[str, Means]:
    before = [measure(first) for _, first, _ in pairs]
    after = [measure(second) for _, _, second in pairs]
    means = {}
    for name in before[0]:
        first, second = (float(np.mean([run[name] for run in runs])) for runs in (before, after))
        if not math.isnan(first + second):  # a class that never occurs has no recall
            means[name] = Means(first, second, second - first)
    return means


def _flips(pairs: Sequence[Pair]) -> tuple[Flip, ...]:
    flips: dict[str, Flip] = {}
    for _, first, second in pairs:
        for i in np.flatnonzero(first.correct != second.correct):
            name = first.ids[i]
            flip = flips.setdefault(name, Flip(name, first.classes[first.truth[i]]))
            if second.correct[i]:
                flip.won += 1
            else:
                flip.lost += 1
    return tuple(sorted(flips.values(), key=lambda flip: (-abs(flip.won - flip.lost), flip.id)))
