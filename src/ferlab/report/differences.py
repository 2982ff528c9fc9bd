"""Differences of accuracy between arms of a report, and how they are written down."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ferlab.evaluation.blocks import Spread, equal_spreads, pooled, spread
from ferlab.evaluation.comparison import Difference, paired
from ferlab.evaluation.predictions import Predictions
from ferlab.report.evidence import Evidence
from ferlab.report.matching import spread_alike
from ferlab.report.runs import Runs
from ferlab.report.words import NOT_RUN, signed


def difference(evidence: Evidence, higher: str, lower: str, runs: Runs | None = None) -> Difference | None:
    """Accuracy (0-1) of one arm minus another's over the seeds that both have run; None where they share none.

    Its uncertainty comes from the spread of all arms that are trained and judged alike (`evaluation/blocks.py`).

    Args:
        runs: what each run says, if not `evidence.runs`.
    """
    runs = evidence.runs if runs is None else runs
    table = _table(evidence, higher, lower, runs)
    if not table:
        return None
    before, after, *_ = accuracies = list(table.values())
    return paired(before, after) if len(before) == 1 else pooled(before, after, spread(accuracies))


def shared_spread(evidence: Evidence, higher: str, lower: str) -> Spread | None:
    """The spread by which the difference of two arms is judged; None with fewer than two seeds."""
    accuracies = list(_table(evidence, higher, lower, evidence.runs).values())
    return spread(accuracies) if accuracies and len(accuracies[0]) > 1 else None


@dataclass(frozen=True)
class OwnSpreads:
    """How much the arms behind a shared spread vary over seeds, each by itself.

    Attributes:
        least, most: an arm and its standard deviation, 0-1.
        p: of Bartlett's test that all vary alike; None where it can't be told.
    """

    least: tuple[str, float]
    most: tuple[str, float]
    p: float | None


def own_spreads(evidence: Evidence, higher: str, lower: str) -> OwnSpreads | None:
    """Whether the arms that share a spread seem to have it in common; None with fewer than two seeds."""
    table = _table(evidence, higher, lower, evidence.runs)
    if not table or len(table[lower]) < 2:
        return None
    found = sorted(((arm, float(np.std(own, ddof=1))) for arm, own in table.items()), key=lambda one: one[1])
    return OwnSpreads(found[0], found[-1], equal_spreads(list(table.values())))


def _table(evidence: Evidence, higher: str, lower: str, runs: Runs) -> dict[str, list[float]]:
    """Accuracies over the seeds that both arms have run: of `lower`, of `higher`, and of all arms alike, in this order.

    Empty where they share none.
    """
    shared = _shared(runs, higher, lower)
    if not shared:
        return {}
    others = [
        arm
        for arm, seeds in runs.items()
        if arm not in (higher, lower)
        and set(shared) <= seeds.keys()
        and spread_alike(evidence.params, higher, arm)
        and spread_alike(evidence.params, lower, arm)
    ]
    return {arm: _accuracies(runs[arm], shared) for arm in (lower, higher, *others)}


def paired_difference(evidence: Evidence, higher: str, lower: str) -> Difference | None:
    """The same with an uncertainty from these pairs alone: the plain paired t, which stands beside the other."""
    runs = evidence.runs
    shared = _shared(runs, higher, lower)
    return paired(_accuracies(runs[lower], shared), _accuracies(runs[higher], shared)) if shared else None


def _shared(runs: Runs, higher: str, lower: str) -> list[int]:
    after = runs.get(higher, {})
    return [seed for seed in runs.get(lower, {}) if seed in after]


def _accuracies(seeds: Mapping[int, Predictions], chosen: Sequence[int]) -> list[float]:
    return [float(seeds[seed].correct.mean()) for seed in chosen]


def points(one: Difference | None) -> dict[str, Any]:
    """A difference of accuracy as plain JSON, in percentage points; null for what can't be told."""
    if one is None:
        return {"seeds": 0}
    return {
        "points": _percent(one.mean),
        "low": _percent(one.low),
        "high": _percent(one.high),
        "p": None if math.isnan(one.p) else float(f"{one.p:.4g}"),
        "seeds": len(one.values),
    }


def _percent(share: float) -> float | None:
    return None if math.isnan(share) else round(100 * share, 4)


def interval(one: Difference | None) -> str:
    """E.g. "+1.20 (+0.40 to +2.00)", in points; without an interval where there is none."""
    if one is None:
        return NOT_RUN
    bounds = f" ({signed(100 * one.low)} to {signed(100 * one.high)})" if one.varies else ""
    return f"{signed(100 * one.mean)}{bounds}"
