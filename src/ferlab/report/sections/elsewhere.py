"""The same runs on other data sets' images: cross-dataset evaluation."""

from pathlib import Path
from typing import Any

import numpy as np

from ferlab.errors import UserError
from ferlab.evaluation import predictions
from ferlab.evaluation.predictions import Predictions
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection
from ferlab.report.tables import accuracy


def section(evidence: Evidence, album: Album) -> PageSection:
    """A row a further data set and arm; not on the page where runs are tested on none."""
    rows, absent = list[dict[str, Any]](), list[str]()
    for other in evidence.params.run.evaluate_on:
        for arm in evidence.params.run.arms:
            seeds = runs_on(evidence, other, arm)
            if seeds:
                rows.append(_row(evidence, other, arm, seeds))
            else:
                absent.append(f"{arm} on {other}")
    numbers: dict[str, dict[str, Any]] = {}
    for row in rows:
        numbers.setdefault(row["set"], {})[row["arm"]] = {k: v for k, v in row.items() if k not in ("set", "arm")}
    values = {"rows": rows, "absent": absent}
    title = "The same runs on other data sets"
    return PageSection("elsewhere", "Other data sets", title, values, numbers, shown=bool(rows or absent))


def runs_on(evidence: Evidence, other: str, arm: str) -> dict[int, Predictions]:
    """What an arm's runs say of a further set, by seed.

    Raises:
        UserError: a file is damaged, or of another training than the arm's own predictions.
    """
    found = {}
    for seed, own in evidence.test_runs.get(arm, {}).items():
        path: Path = evidence.folder / "predictions" / other / f"{arm}-{seed}.parquet"
        if path.exists():
            found[seed] = predictions.read(path)
            if found[seed].run != own.run:
                raise UserError(
                    f"these are of the training {found[seed].run}, and the predictions of the test split of {own.run}",
                    where=str(path),
                    next_step="run `dvc repro`, which makes them anew",
                )
    return found


def _row(evidence: Evidence, other: str, arm: str, seeds: dict[int, Predictions]) -> dict[str, Any]:
    """Accuracies in percent. `classes`: those of the run that the other set's images have."""
    there, first = accuracy(seeds), next(iter(seeds.values()))
    at_home = accuracy({seed: evidence.test_runs[arm][seed] for seed in seeds})
    return {
        "set": other,
        "arm": arm,
        "seeds": len(seeds),
        "images": len(first.ids),
        "classes": [first.classes[label] for label in np.unique(first.truth)],
        "percent": round(100 * there.value, 4),
        "low_percent": round(100 * there.low, 4),
        "high_percent": round(100 * there.high, 4),
        "own_percent": round(100 * at_home.value, 4),
    }
