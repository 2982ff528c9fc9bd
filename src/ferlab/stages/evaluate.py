"""evaluate: the one reader of the test split. Predict it once with a selected classifier."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay

from ferlab.adapters.tracking import find_named, tracked
from ferlab.classifiers.catalogue import recreate
from ferlab.data.images import ImageSet
from ferlab.data.labels import FER_CLASSES
from ferlab.evaluation import metrics, predictions
from ferlab.evaluation.predictions import Predictions
from ferlab.files import atomic_write, content_hash, sha256_file, write_json
from ferlab.stages import ledger
from ferlab.stages.context import EVERY_EPOCH, Context, Stage
from ferlab.training.identity import flatten
from ferlab.training.seeding import set_up


def run(context: Context) -> None:
    set_up(context.section("compute").threads)
    (test_folder, source), (target, curve, selection) = context.inputs, context.outs
    record = json.loads((source / "run.json").read_text())
    test = ImageSet.open(test_folder)
    epoch, found = _first_best(record, source, test)
    predictions.write(target, found)
    with atomic_write(curve) as handle:
        handle.write((source / "curve.csv").read_bytes())
    picked = {"selected_epoch": epoch, "valid_would_select": record["selected_epoch"]}
    write_json(selection, {key: value for key, value in record.items() if key != "manifest"} | picked)
    _track(context, record, found)
    context.say(f"test accuracy {found.correct.mean():.4f} of {len(test)} images")


def _first_best(record: dict[str, Any], source: Path, test: ImageSet) -> tuple[int, Predictions]:
    """The epoch that counts and what it says: validation's, or for an arm that picks on test the first best there.

    Only that one kind of arm compares epochs here; it exists to show how far doing so flatters a classifier.
    """
    epochs = {record["selected_epoch"]: source}
    if record["select_on"] == "test":
        epochs = {int(folder.name): folder for folder in sorted((source / EVERY_EPOCH).iterdir())}
    best: tuple[int, Predictions] | None = None
    for epoch, folder in epochs.items():
        classifier = recreate(record["settings"]).load(folder)
        found = Predictions(test.ids, test.labels, classifier.predict_proba(test.images), record["identity"])
        if best is None or found.correct.mean() > best[1].correct.mean():
            best = epoch, found
    assert best is not None, source
    return best


def _track(context: Context, record: dict[str, Any], found: Predictions) -> None:
    """Add the test scores to the training's own MLflow run, and a line to the ledger."""
    name, scores, (_, source) = f"{record['arm']}-{record['seed']}", metrics.scores(found), context.inputs
    trained = find_named(context.project, "classifiers", record["identity"])
    with tracked(
        context.project,
        "classifiers",
        name,
        identity=record["identity"],
        params=flatten(record["settings"]) | {"arm": record["arm"], "seed": record["seed"]},
        tags={"stage": "train", "arm": record["arm"], "seed": str(record["seed"]), "budget": context.params.budget},
    ) as run:
        run.figures({f"test_{key}": value for key, value in scores.items()})
        run.artifact(context.outs[0], "predictions")
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "confusion.png"
            figure = Figure(figsize=(7, 6), layout="constrained")
            display = ConfusionMatrixDisplay(metrics.confusion(found), display_labels=FER_CLASSES)
            display.plot(ax=figure.add_subplot(), cmap="cividis", xticks_rotation=45)
            figure.savefig(picture, dpi=100)
            run.artifact(picture, "figures")
            run.artifact(draw_curves(pd.read_csv(source / "curve.csv"), Path(folder) / "curves.png"), "figures")
    line = {
        "identity": record["identity"],
        "arm": record["arm"],
        "seed": record["seed"],
        "manifest": record["manifest"],
        "settings": record["settings"],
        "tuned_by": record["tuned_by"],
        "data": context.params.data.model_dump(mode="json"),
        "checkpoint": content_hash(source),
        "gan": ledger.gan_identity(context.project, context.params.arms[record["arm"]].synthetic),
        "predictions": sha256_file(context.outs[0]),
        "valid_accuracy": record["valid_accuracy"],
        "test_accuracy": scores["accuracy"],
        "lock": sha256_file(context.project.root / "requirements.lock"),
        "machine": ledger.machine(),
        "mlflow_run": run.id,
        "trained": [_utc(t) for t in (trained.info.start_time, trained.info.end_time)] if trained else None,
        "evaluated": _utc(datetime.now(UTC).timestamp() * 1000),
    }
    ledger.append(
        context.project.reports(context.params.budget) / "ledger.jsonl", line | ledger.commit(context.project)
    )


def draw_curves(curve: pd.DataFrame, path: Path) -> Path:
    """Draw what a fit measured after each epoch; returns the picture's path."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    for axes, names in ((losses, ("train_loss", "valid_loss")), (accuracy, ("valid_accuracy",))):
        for name, style in zip(names, ("o-", "s--"), strict=False):
            if name in curve:
                axes.plot(curve["epoch"], curve[name], style, markersize=3, label=name.replace("_", " "))
        axes.set_xlabel("epoch")
        if axes.lines:  # a support vector machine has no epochs
            axes.legend()
    figure.savefig(path, dpi=100)
    return path


def _utc(milliseconds: float | None) -> str | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds") if milliseconds else None


STAGE = Stage(
    name="evaluate",
    run=run,
    arguments=("arm", "seed"),
    keys=("budget", "compute"),
    rooms=("data", "training", "classifiers", "evaluation"),
    inputs=("work/prepared/test", "work/runs/{arm}-{seed}"),
    outs=(
        "reports/{budget}/predictions/{arm}-{seed}.parquet",
        "reports/{budget}/curves/{arm}-{seed}.csv",
        "reports/{budget}/selection/{arm}-{seed}.json",
    ),
)
