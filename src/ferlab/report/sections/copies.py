"""Accuracy with and without the test images that have a copy in the training split."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ferlab.errors import UserError
from ferlab.evaluation.comparison import Difference
from ferlab.report.differences import difference, interval, points
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection
from ferlab.report.rows import Order
from ferlab.report.verdict import judge

TABLE = "test_images.csv"
COLUMNS = ("id", "copy_in_train", "near_copy_in_train")


def section(evidence: Evidence, album: Album) -> PageSection:
    """A row an arm and a gain, if the audit's table of test images is there."""
    rows = accuracies(evidence)
    left = gains(evidence)
    values = {
        "copies": list((rows or {}).values()),
        "audited": rows is not None,
        "leaked": leaked(next(iter(rows.values()))) if rows else "",
        "without": [(*pair, difference(evidence, *pair, evidence.test_runs), one) for pair, one in left.items()],
        "interval": interval,
    }
    numbers = (rows or {}) | {"gains": {f"{higher} - {lower}": points(one) for (higher, lower), one in left.items()}}
    return PageSection("copies", "Leaked copies", "With and without leaked copies", values, numbers if rows else {})


def gains(evidence: Evidence) -> dict[tuple[str, str], Difference]:
    """What each GAN's images gain over the plain arm and the reference, on test images without an exact copy in train.

    Empty where the audit's table isn't there.
    """
    table = evidence.table(TABLE, *COLUMNS)
    if table is None:
        return {}
    leaked = set(table["id"][table["copy_in_train"]])
    runs = {
        arm: {seed: run.only([name not in leaked for name in run.ids]) for seed, run in seeds.items()}
        for arm, seeds in evidence.test_runs.items()
    }
    lifts = [(one.claim, one.pairs) for one in judge(evidence) if isinstance(one.claim, Order) and one.claim.lifts]
    pairs = [pair for claim, own in lifts for pair in ((claim.row.arm, claim.pairs[0][1].arm), *own)]
    found = {pair: difference(evidence, *pair, runs) for pair in pairs}
    return {pair: one for pair, one in found.items() if one}


def accuracies(evidence: Evidence) -> dict[str, dict[str, Any]] | None:
    """Arm -> accuracy in percent on `all` test images, `without_exact` and `without_near` copies; None if not audited.

    It is of the split `test` alone, which the audit's table is of.

    Raises:
        UserError: the audit doesn't know a predicted image.
    """
    table = evidence.table(TABLE, *COLUMNS)
    return None if table is None else {arm: _row(evidence, table, arm) for arm in evidence.test_runs}


def leaked(row: Mapping[str, Any]) -> str:
    """How many of the test images have a copy in train, in a sentence, from a row of `accuracies`."""
    exact, near = row["images"] - row["left_exact"], row["left_exact"] - row["left_near"]
    if not exact + near:
        return "No test image has a copy in the training split."
    counted = f"{exact:,} of the {row['images']:,} test images have an exact copy in the training split"
    shows = "Only the accuracy without them shows how well unseen faces are recognised."
    return f"{counted}, {near:,} more a near one. {shows}"


def _row(evidence: Evidence, table: pd.DataFrame, arm: str) -> dict[str, Any]:
    """Accuracies in percent, mean over seeds, and how many images are left."""
    runs = evidence.test_runs[arm]
    for seed, run in runs.items():
        if absent := set(run.ids) - set(table["id"]):
            raise UserError(
                f"{len(absent)} predicted images are not in {TABLE}, such as {min(absent)}",
                where=str(evidence.folder / "predictions" / f"{arm}-{seed}.parquet"),
                next_step="run `dvc repro`, which brings both up to date",
            )
    row: dict[str, Any] = {"arm": arm, "all": _percent([run.correct for run in runs.values()])}
    row["images"] = len(next(iter(runs.values())).ids)
    for key, columns in (("exact", ["copy_in_train"]), ("near", ["copy_in_train", "near_copy_in_train"])):
        leaked = set(table["id"][table[columns].any(axis=1)])
        left = [run.correct[[name not in leaked for name in run.ids]] for run in runs.values()]
        row |= {f"without_{key}": _percent(left), f"left_{key}": len(left[0])}
    return row


def _percent(correct: list[NDArray[np.bool_]]) -> float | None:
    """Mean accuracy over seeds; None where no image is left."""
    return round(100 * float(np.mean([one.mean() for one in correct])), 6) if all(len(one) for one in correct) else None
