"""The report's tables as data frames, each computed from the small files of one budget.

A row whose files aren't there is kept and says so: the report never hides what hasn't been run.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ferlab.evaluation.intervals import Interval, of_runs
from ferlab.evaluation.metrics import scores
from ferlab.evaluation.predictions import Predictions
from ferlab.papers import Paper
from ferlab.params import CKPLUS, NONE, Params
from ferlab.report.data_sets import DataSets
from ferlab.report.evidence import Evidence
from ferlab.report.rows import Order, rows_of
from ferlab.report.runs import Runs
from ferlab.report.verdict import Verdict, judge
from ferlab.report.words import NOT_RUN, RUN, drawn

NO_WEIGHTS = "not run: no ImageNet weights; with them, add {arm} to run.arms and type `dvc repro evaluate@{arm}-0`"
DECIMALS = 6  # of percentages in table1.csv
COLUMNS = (
    "model", "paper_percent", "arm", "status", "ours_percent", "low_percent", "high_percent", "macro_f1_percent",
    "balanced_percent", "interval", "interval_covers", "seeds", "seeds_missing", "test_images", "labels",
    "added_images", "difference_points", "claim", "verdict", "against", "gain_points", "gain_low", "gain_high",
    "plain_points", "plain_low", "plain_high",
)  # fmt: skip


def accuracy(seeds: Mapping[int, Predictions]) -> Interval:
    """Accuracy (0-1) of one arm with its interval, as `intervals.of_runs` makes it."""
    images = len(next(iter(seeds.values())).ids)
    return of_runs([float(run.correct.mean()) for run in seeds.values()], images)


def table1(evidence: Evidence) -> pd.DataFrame:
    """The paper's Table 1 beside ours: all rows in the paper's order, run or not.

    Returns:
        `model` and `paper_percent` (the paper's), then ours as in `_ours`, `difference_points` (ours minus the
        paper's, in percentage points; NaN on drawn faces), and the row's claim as in `_claimed`. Accuracies are in
        percent; what hasn't been run is NaN, or "" for text.
    """
    params = evidence.params
    verdicts: dict[str, Verdict] = {}
    for verdict in judge(evidence):
        if isinstance(verdict.claim, Order):
            verdicts.setdefault(verdict.claim.row.arm, verdict)
    rows = []
    for row in rows_of(params, evidence.paper):
        ours = _ours(evidence, row.arm)
        # on drawn faces a difference would be a number without a meaning
        difference = float("nan") if drawn(params) else round(ours["ours_percent"] - row.percent, DECIMALS)
        cells = {"model": row.model, "paper_percent": row.percent, **ours, "difference_points": difference}
        rows.append(cells | _claimed(verdicts.get(row.arm)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _claimed(verdict: Verdict | None) -> dict[str, Any]:
    """The row's main claim: `claim`, `verdict`, `against` (the arm that decides) and, for a claim of one pair, the gain
    over it: `gain_points`, `gain_low` and `gain_high` (95%). Likewise `plain_points`, `plain_low` and `plain_high`, the
    gain over the plain arm, which is the one that the paper prints."""
    nan = float("nan")
    row: dict[str, Any] = {"claim": "", "verdict": "", "against": ""}
    row |= {f"{what}_{key}": nan for what in ("gain", "plain") for key in ("points", "low", "high")}
    if verdict is not None:
        row |= {"claim": verdict.claim.says, "verdict": verdict.word}
        one = verdict.differences[0] if len(verdict.differences) == 1 else None
        row["against"] = verdict.pairs[0][1] if len(verdict.pairs) == 1 else ""
        for what, found in (("gain", one), ("plain", verdict.over_plain)):
            if found:
                row |= {f"{what}_points": _percent(found.mean)}
                row |= {f"{what}_low": _percent(found.low), f"{what}_high": _percent(found.high)}
    return row


def controls(evidence: Evidence) -> pd.DataFrame:
    """Our arms that the paper's Table 1 hasn't: `purpose` (a sentence), then the columns of `_ours`.

    Without a paper those of `run` alone, since the others are no part of the study.
    """
    theirs = {row.arm for row in rows_of(evidence.params, evidence.paper)}
    defined = evidence.params.arms if evidence.paper.rows else evidence.params.run.arms
    ours = [arm for arm in sorted(defined) if arm not in theirs]
    said = [(arm, purpose(arm, evidence.params, evidence.paper)) for arm in ours]
    return pd.DataFrame({"purpose": words, **_ours(evidence, arm)} for arm, words in said)


def _ours(evidence: Evidence, arm: str) -> dict[str, Any]:
    """Our side of a row.

    `arm`, `status` ("run", "not run yet" or `NO_WEIGHTS`), `ours_percent`, `low_percent` and `high_percent` (95%
    interval), `interval` (how it was made), `interval_covers` (other "seeds" or other "images"), `macro_f1_percent` and
    `balanced_percent` (the mean recall of the classes), both means over seeds, `seeds` and `seeds_missing` (numbers,
    joined by spaces), `test_images`, `labels` (policy for CK+'s contempt; "" where no arm needs one) and `added_images`
    (to the training split).
    """
    params = evidence.params
    row: dict[str, Any] = {"arm": arm, "status": _not_run(arm, params)}
    percents = ("ours_percent", "low_percent", "high_percent", "macro_f1_percent", "balanced_percent")
    row |= dict.fromkeys(percents, float("nan"))
    row |= {
        "interval": "",
        "interval_covers": "",
        "seeds": "",
        "seeds_missing": "",
        "test_images": pd.NA,
        "labels": "",
        "added_images": pd.NA,
    }
    if seeds := evidence.runs.get(arm):
        interval = accuracy(seeds)
        summary = evidence.arms.get(arm)
        measured = [scores(run) for run in seeds.values()]
        row |= {
            "macro_f1_percent": _percent(float(np.mean([one["macro_f1"] for one in measured]))),
            "balanced_percent": _percent(float(np.mean([one["balanced_accuracy"] for one in measured]))),
            "status": RUN,
            "ours_percent": _percent(interval.value),
            "low_percent": _percent(interval.low),
            "high_percent": _percent(interval.high),
            "interval": interval.method,
            "interval_covers": interval.covers,
            "seeds": " ".join(map(str, seeds)),
            "seeds_missing": " ".join(str(seed) for seed in params.run.seeds if seed not in seeds),
            "test_images": len(next(iter(seeds.values())).ids),
            "labels": (summary.arm if summary else params.arms[arm]).labels if evidence.has_contempt else "",
            "added_images": summary.added_images if summary else pd.NA,
        }
    return row


def _percent(share: float) -> float:
    return round(100 * share, DECIMALS)


def _not_run(arm: str, params: Params) -> str:
    """Why an arm has no numbers: pre-trained weights are never replaced by drawn ones."""
    if arm not in params.arms or arm in params.run.arms:
        return NOT_RUN
    settings = params.plain(f"classifiers.{params.arms[arm].classifier}")
    return NO_WEIGHTS.format(arm=arm) if _is_pretrained(settings) else NOT_RUN


def _is_pretrained(settings: Any) -> bool:
    """Whether a classifier, or any part of it, starts from weights."""
    if isinstance(settings, list):
        return any(map(_is_pretrained, settings))
    if isinstance(settings, dict):
        return settings.get("weights", "none") != "none" or any(map(_is_pretrained, settings.values()))
    return False


def purpose(name: str, params: Params, paper: Paper) -> str:
    """What a control is for, in a sentence; an arm that changes nothing but the classifier is named after that."""
    arm = params.arms[name]
    sets = DataSets.of(params, paper)
    repeated = f"{sets.gan}'s real images repeated" if arm.synthetic == CKPLUS else f"{sets.train}'s own repeated"
    if arm.shuffled != "none":
        added = repeated if arm.oversample_to else f"{arm.synthetic}'s images"
        return f"control: {added}, their {arm.shuffled} shuffled"
    if arm.oversample_to is not None:
        return f"control: as many images per class as {arm.oversample_to}, {repeated}"
    if arm.synthetic == NONE and arm.match_steps_of not in (None, name):
        return f"control: as many training steps as {arm.match_steps_of}, without its added images"
    if arm.synthetic == CKPLUS:
        return f"control: the real images of {sets.gan} instead of a GAN's"
    if arm.labels == "contempt_as_neutral":
        return f"control: {arm.synthetic}'s images, contempt labelled neutral (a likely mistake)"
    if not arm.augmentation:
        return "control: no rotation, shift or mirror"
    if arm.drop_train_copies:
        return "control: trained without the images that have a copy in valid or test"
    if arm.select_on == "test":
        return "control: the epoch picked on the test split, which is too optimistic"
    if arm.synthetic == NONE and arm.classifier in paper.purposes:
        return paper.purposes[arm.classifier]
    setting = "the paper's setting as given" if arm.classifier.endswith("-paper") else arm.classifier
    return f"{setting}, " + ("real images only" if arm.synthetic == NONE else f"with {arm.synthetic} images added")


def always_commonest(runs: Runs) -> tuple[str, float]:
    """The commonest class of the images that judge the arms, and the accuracy (0-1) of always answering it."""
    run = next(run for seeds in runs.values() for run in seeds.values())
    counts = np.bincount(run.truth)
    return run.classes[counts.argmax()], float(counts.max() / len(run.truth))
