"""How often people would agree: runs judged by the votes on each image, beside its majority."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferlab.evaluation.intervals import over_seeds
from ferlab.evaluation.metrics import agreement, vote_limits, vote_scores
from ferlab.evaluation.predictions import Predictions
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection
from ferlab.report.sections.elsewhere import runs_on
from ferlab.report.tables import accuracy


def section(evidence: Evidence, album: Album) -> PageSection:
    """A table a data set with votes; not on the page where no image has any."""
    tables = dict[str, dict[str, Any]]()
    for name, runs in _sets(evidence):
        judged = {arm: seeds for arm, seeds in runs.items() if all(run.votes is not None for run in seeds.values())}
        first = next((run for seeds in judged.values() for run in seeds.values()), None)
        if first is not None and first.votes is not None:
            arms = {arm: _row(seeds) for arm, seeds in judged.items()}
            tables[name] = {"images": len(first.ids), "limit": _limit(first.votes), "arms": arms}
    return PageSection("votes", "Votes", "Judged by the votes", {"tables": tables}, tables, shown=bool(tables))


def _sets(evidence: Evidence) -> Iterator[tuple[str, Mapping[str, Mapping[int, Predictions]]]]:
    """The data sets that runs are tested on, each with what every arm's runs say of it."""
    run = evidence.params.run
    yield evidence.params.data.train, evidence.runs
    for name in run.evaluate_on:
        found = {arm: runs_on(evidence, name, arm) for arm in run.arms}
        yield name, {arm: seeds for arm, seeds in found.items() if seeds}


def _row(seeds: Mapping[int, Predictions]) -> dict[str, Any]:
    """Means over seeds, with Student's t interval of the mean: over seeds, or over images where seeds are all equal."""
    agreed = [agreement(run) for run in seeds.values()]
    means = [float(one.mean()) for one in agreed]
    expected = over_seeds(agreed[0].tolist() if len(set(means)) == 1 else means)
    entropy = float(np.mean([vote_scores(run)["vote_cross_entropy"] for run in seeds.values()]))
    return {
        "seeds": len(seeds),
        "accuracy_percent": round(100 * accuracy(seeds).value, 4),
        "expected_percent": round(100 * expected.value, 4),
        "low_percent": round(100 * expected.low, 4),
        "high_percent": round(100 * expected.high, 4),
        "cross_entropy": round(entropy, 6),
    }


def _limit(votes: NDArray[np.float32]) -> dict[str, float]:
    limit = vote_limits(votes)
    return {
        "expected_percent": round(100 * limit["expected_accuracy"], 4),
        "cross_entropy": round(limit["vote_cross_entropy"], 6),
    }
