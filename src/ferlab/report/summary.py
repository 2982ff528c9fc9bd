"""reports/<budget>/summary.json: the few numbers that `dvc metrics` and `dvc exp show` set side by side."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ferlab.evaluation.metrics import scores
from ferlab.evaluation.predictions import Predictions
from ferlab.report.evidence import Evidence
from ferlab.report.verdict import judge

DECIMALS = 6


def summary(evidence: Evidence) -> dict[str, Any]:
    """Whose faces these are (demo or real); of each arm that has run the test accuracy and macro F1 (0-1, means over
    seeds), and on images with votes the expected accuracy; and the verdict on each claim of the paper. No key is called
    as one of DVC's columns, such as `data`.
    """
    runs = evidence.runs
    voted = {arm: seeds for arm, seeds in runs.items() if all(run.votes is not None for run in seeds.values())}
    expected = {"expected_accuracy": {arm: _mean(seeds, "expected_accuracy") for arm, seeds in voted.items()}}
    return {
        "faces": evidence.params.data.kind,
        "accuracy": {arm: _mean(seeds, "accuracy") for arm, seeds in runs.items()},
        "macro_f1": {arm: _mean(seeds, "macro_f1") for arm, seeds in runs.items()},
        **(expected if voted else {}),
        "claims": {verdict.claim.key: verdict.word for verdict in judge(evidence)},
    }


def _mean(seeds: Mapping[int, Predictions], score: str) -> float:
    return round(float(np.mean([scores(run)[score] for run in seeds.values()])), DECIMALS)
