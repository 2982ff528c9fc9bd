"""Two runs, or two arms over seeds, side by side: how much they differ, in which classes, on which images."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ferlab.data.labels import FER_CLASSES
from ferlab.errors import UserError
from ferlab.evaluation.comparison import align, effect, mcnemar, paired
from ferlab.evaluation.intervals import wilson
from ferlab.evaluation.metrics import recalls, scores
from ferlab.evaluation.predictions import Predictions

Seeds = Mapping[int, Predictions] | Mapping[None, Predictions]
"""Seed -> predictions; None where the seed isn't known."""


def contrast(first: Seeds, second: Seeds, names: tuple[str, str]) -> dict[str, Any]:
    """What the second does that the first doesn't.

    Single runs are compared whatever their seeds; arms over the seeds that both have.

    Returns:
        Plain JSON. `pairs`: seed by seed, both accuracies (0-1, with Wilson's interval) and McNemar's exact test, which
        is conditional on the trained models. `difference`: over seeds, in accuracy (0-1), with Student's t interval
        and Cohen's d; null below two pairs. `scores` and `recall` (by class): means of both and their difference.
        `images`: those that flip, with the number of pairs in which each was lost or won.

    Raises:
        UserError: they share no seed, or aren't of the same images.
    """
    before: dict[int | None, Predictions] = dict(first.items())
    after: dict[int | None, Predictions] = dict(second.items())
    if len(before) == len(after) == 1:
        matched = [(next(iter(before)), next(iter(before.values())), next(iter(after.values())))]
    else:
        matched = [(seed, before[seed], after[seed]) for seed in before if seed in after]
    if not matched:
        raise UserError("the two have no seed in common", where=" and ".join(names), next_step="compare single runs")
    pairs = [(seed, one, align(one, other, names)) for seed, one, other in matched]
    for _, one, _ in pairs[1:]:
        align(pairs[0][1], one, (names[0], names[0]))
    return {
        "first": names[0],
        "second": names[1],
        "pairs": [_pair(*pair) for pair in pairs],
        "difference": _difference(pairs),
        "scores": _means(pairs, lambda run: scores(run)),
        "recall": _means(pairs, lambda run: dict(zip(FER_CLASSES, recalls(run).tolist(), strict=True))),
        "images": _flips(pairs),
    }


Pair = tuple[int | None, Predictions, Predictions]


def _pair(seed: int | None, first: Predictions, second: Predictions) -> dict[str, Any]:
    flips = mcnemar(first, second)
    told: dict[str, Any] = {"seed": seed}
    for name, run in (("first", first), ("second", second)):
        interval = wilson(int(run.correct.sum()), len(run.correct))
        told[name] = {"accuracy": interval.value, "low": interval.low, "high": interval.high, "identity": run.run}
    return told | {"lost": flips.lost, "won": flips.won, "mcnemar_p": flips.p}


def _difference(pairs: list[Pair]) -> dict[str, Any] | None:
    before = [float(first.correct.mean()) for _, first, _ in pairs]
    found = paired(before, [float(second.correct.mean()) for _, _, second in pairs])
    if not found.varies:
        return None
    d, low, high = effect(found)
    interval = {"mean": found.mean, "low": found.low, "high": found.high, "p": found.p, "seeds": len(pairs)}
    return interval | {"effect": d, "effect_low": low, "effect_high": high}


def _means(pairs: list[Pair], figures: Any) -> dict[str, Any]:
    first, second = [figures(one) for _, one, _ in pairs], [figures(one) for _, _, one in pairs]
    found = {}
    for name in first[0]:
        before, after = (float(np.mean([one[name] for one in runs])) for runs in (first, second))
        if before == before and after == after:  # a class that never occurs has no recall
            found[name] = {"first": before, "second": after, "difference": after - before}
    return found


def _flips(pairs: list[Pair]) -> list[dict[str, Any]]:
    counts: dict[str, dict[str, Any]] = {}
    for _, first, second in pairs:
        for i in np.flatnonzero(first.correct != second.correct):
            name = first.ids[i]
            known = {"id": name, "truth": FER_CLASSES[first.truth[i]], "lost": 0, "won": 0}
            counts.setdefault(name, known)["won" if second.correct[i] else "lost"] += 1
    return sorted(counts.values(), key=lambda one: (-abs(one["won"] - one["lost"]), one["id"]))
