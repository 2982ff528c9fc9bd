"""The report's tables as data frames, each computed from the small files of one budget.

A row whose files aren't there is kept and says so: the report never hides what hasn't been run.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ferlab.evaluation.intervals import Interval, over_seeds, wilson
from ferlab.evaluation.metrics import scores
from ferlab.evaluation.predictions import Predictions
from ferlab.params import CKPLUS, NONE, DfsvmClassifier, NetworkClassifier, Params
from ferlab.report import paper
from ferlab.report.evidence import Evidence, Runs
from ferlab.report.verdict import Verdict, judge
from ferlab.report.words import NOT_RUN, RUN, drawn

NO_WEIGHTS = "not run: no ImageNet weights; with them, add {arm} to run.arms and type `dvc repro evaluate@{arm}-0`"
DECIMALS = 6  # of percentages in table1.csv


def accuracy(seeds: Mapping[int, Predictions]) -> Interval:
    """Accuracy (0-1) of one arm: one seed with Wilson's interval over the images, more with Student's t over seeds."""
    if len(seeds) == 1:
        (only,) = seeds.values()
        return wilson(int(only.correct.sum()), len(only.correct))
    return over_seeds([float(run.correct.mean()) for run in seeds.values()])


def table1(evidence: Evidence) -> pd.DataFrame:
    """The paper's Table 1 beside ours: all seven rows in the paper's order, run or not.

    Returns:
        `model` and `paper_percent` (the paper's), then ours as in `_ours`, `difference_points` (ours minus the
        paper's, in percentage points; NaN on drawn faces), and the row's claim as in `_claimed`. Accuracies are in
        percent; what hasn't been run is NaN, or "" for text.
    """
    runs, about, params = evidence.runs, evidence.arms, evidence.params
    verdicts: dict[str, Verdict] = {}
    for verdict in judge(evidence):
        if isinstance(verdict.claim, paper.Order):
            verdicts.setdefault(verdict.claim.row.arm, verdict)
    rows = []
    for row in paper.TABLE1:
        ours = _ours(row.arm, runs.get(row.arm, {}), about, params)
        # on drawn faces a difference would be a number without a meaning
        difference = float("nan") if drawn(params) else round(ours["ours_percent"] - row.percent, DECIMALS)
        told = {"model": row.model, "paper_percent": row.percent, **ours, "difference_points": difference}
        rows.append(told | _claimed(verdicts.get(row.arm)))
    return pd.DataFrame(rows)


def _claimed(verdict: Verdict | None) -> dict[str, Any]:
    """The row's main claim: `claim`, `verdict`, and for a claim of one pair `gain_points` with `gain_low`, `gain_high`
    (95%, over paired seeds) and `gain_p` (two-sided, before Holm)."""
    nan = float("nan")
    row = {"claim": "", "verdict": "", "gain_points": nan, "gain_low": nan, "gain_high": nan, "gain_p": nan}
    if verdict is not None:
        row |= {"claim": verdict.claim.says, "verdict": verdict.word}
        if len(verdict.differences) == 1 and (one := verdict.differences[0]):
            values = (one.mean, one.low, one.high)
            keys = ("gain_points", "gain_low", "gain_high")
            row |= {key: round(100 * value, DECIMALS) for key, value in zip(keys, values, strict=True)}
            row["gain_p"] = float(f"{one.p:.6g}")
    return row


def controls(evidence: Evidence) -> pd.DataFrame:
    """Our arms that the paper's Table 1 hasn't: `purpose` (a sentence), then the columns of `_ours`."""
    runs, about, params = evidence.runs, evidence.arms, evidence.params
    ours = [arm for arm in sorted(params.arms) if arm not in {row.arm for row in paper.TABLE1}]
    return pd.DataFrame(
        {"purpose": _purpose(arm, params), **_ours(arm, runs.get(arm, {}), about, params)} for arm in ours
    )


def _ours(arm: str, seeds: Mapping[int, Predictions], about: Mapping[str, Any], params: Params) -> dict[str, Any]:
    """Our side of a row.

    `arm`, `status` ("run", "not run yet" or `NO_WEIGHTS`), `ours_percent`, `low_percent` and `high_percent` (95%
    interval), `interval` (how it was made), `seeds` and `seeds_missing` (numbers, joined by spaces), `test_images`,
    `labels` (policy for CK+'s contempt) and `added_images` (to the training split).
    """
    nan = float("nan")
    row: dict[str, Any] = {"arm": arm, "status": _not_run(arm, params)}
    row |= dict.fromkeys(("ours_percent", "low_percent", "high_percent"), nan)
    row |= {"interval": "", "seeds": "", "seeds_missing": "", "test_images": pd.NA, "labels": "", "added_images": pd.NA}
    if seeds:
        interval = accuracy(seeds)
        keys = ("ours_percent", "low_percent", "high_percent")
        values = (interval.value, interval.low, interval.high)
        row |= {key: round(100 * value, DECIMALS) for key, value in zip(keys, values, strict=True)}
        row |= {
            "status": RUN,
            "interval": interval.method,
            "seeds": " ".join(map(str, seeds)),
            "seeds_missing": " ".join(str(seed) for seed in params.run.seeds if seed not in seeds),
            "test_images": len(next(iter(seeds.values())).ids),
            "labels": about.get(arm, {}).get("labels", params.arms[arm].labels),
            "added_images": about.get(arm, {}).get("added_images", pd.NA),
        }
    return row


def _not_run(arm: str, params: Params) -> str:
    """Why an arm has no numbers: pre-trained weights are never replaced by drawn ones."""
    classifier = params.classifiers[params.arms[arm].classifier] if arm in params.arms else None
    waits = isinstance(classifier, DfsvmClassifier) and any(member.weights != "none" for member in classifier.members)
    return NO_WEIGHTS.format(arm=arm) if waits and arm not in params.run.arms else NOT_RUN


def _purpose(name: str, params: Params) -> str:
    arm = params.arms[name]
    if arm.match_steps_of is not None:
        return f"control: as many training steps as {arm.match_steps_of}, without its added images"
    if arm.oversample_to is not None:
        return f"control: as many images a class as {arm.oversample_to}, FER-2013's own repeated"
    if arm.synthetic == CKPLUS:
        return "control: the real images of CK+ instead of a GAN's"
    if arm.labels == "contempt_as_neutral":
        return f"control: {arm.synthetic}'s images, contempt called neutral (the likely slip)"
    if not arm.augmentation:
        return "control: no rotation, shift or mirror"
    if arm.drop_train_copies:
        return "control: trained without the images of which valid or test holds a copy"
    if arm.select_on == "test":
        return "control: the epoch picked on the test split, which flatters"
    if not isinstance(params.classifiers[arm.classifier], NetworkClassifier) and arm.synthetic == NONE:
        if isinstance(params.classifiers[arm.classifier], DfsvmClassifier):
            return "DF-SVM without pre-trained weights: nothing is frozen, and its VGGs learn from FER-2013 alone"
        return "the paper's first idea, a support vector machine; it gives neither features nor a number"
    setting = "the paper's setting as given" if arm.classifier.endswith("-paper") else arm.classifier
    return f"{setting}, " + ("real images only" if arm.synthetic == NONE else f"with {arm.synthetic} images added")


def run_table(evidence: Evidence) -> pd.DataFrame:
    """One row a run: every arm and seed that params names.

    Returns:
        `arm`, `seed`, `status`; `accuracy`, `macro_f1`, `balanced_accuracy` (0-1) and `log_loss` (nats) on the test
        split; `selected_epoch`, `valid_accuracy` (0-1) and `notes` of the selection; `identity` (hex), and `stale`
        where the selection on file is of another run than the predictions.
    """
    runs, params = evidence.runs, evidence.params
    rows = []
    for arm in params.run.arms:
        for seed in params.run.seeds:
            row: dict[str, Any] = {"arm": arm, "seed": seed, "status": NOT_RUN}
            if run := runs.get(arm, {}).get(seed):
                chosen = evidence.selection(arm, seed)
                notes = "; ".join(f"{key}: {value}" for key, value in sorted(chosen.get("notes", {}).items()))
                row |= {"status": RUN, **scores(run), "identity": run.run, "notes": notes}
                row |= {key: chosen.get(key) for key in ("selected_epoch", "valid_accuracy")}
                row["stale"] = chosen.get("identity", run.run) != run.run
            rows.append(row)
    return pd.DataFrame(rows)


def always_commonest(runs: Runs) -> tuple[int, float]:
    """The test split's commonest class (index into FER_CLASSES) and the accuracy (0-1) of always answering it."""
    truth = next(run for seeds in runs.values() for run in seeds.values()).truth
    counts = np.bincount(truth)
    return int(counts.argmax()), float(counts.max() / len(truth))
