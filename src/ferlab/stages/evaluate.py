"""evaluate: the one reader of the test split. Predict it once with a selected classifier."""

from datetime import UTC, datetime

import pandas as pd

from ferlab.adapters.known import find_named
from ferlab.adapters.tracking import tracked
from ferlab.classifiers.base import Classifier
from ferlab.classifiers.blockwise import predict_blockwise
from ferlab.classifiers.catalogue import METHODS, create, faces_of, must_see
from ferlab.data.images import ImageSet
from ferlab.evaluation import metrics, predictions
from ferlab.evaluation.predictions import Predictions
from ferlab.files import atomic_write, content_hash, sha256_file
from ferlab.params import Compute
from ferlab.records.gan import FILE as GAN_FILE
from ferlab.records.gan import GanRecord
from ferlab.records.ledger import LedgerLine, append
from ferlab.records.plan import ArmSummary
from ferlab.records.run import FILE, RunRecord, Selection
from ferlab.stages.context import EVERY_EPOCH, Context, Stage
from ferlab.stages.ledger import circumstances, circumstances_of_training
from ferlab.training.identity import flatten
from ferlab.training.seeding import set_up


def run(context: Context) -> None:
    record = RunRecord.read(context.input("run") / FILE)
    set_up(Compute.model_validate(record.manifest["params"]["plan"]["compute"]).threads)
    test, valid = ImageSet.open(context.input("test")), ImageSet.open(context.input("valid"))
    epoch, classifier, predicted = _first_best(context, record, test)
    predictions.write(context.out("predictions"), predicted)
    predictions.write(context.out("valid"), _predict(context, classifier, valid, record))
    with atomic_write(context.out("curve")) as handle:
        handle.write((context.input("run") / "curve.csv").read_bytes())
    Selection(
        **{key: value for key, value in record if key in Selection.model_fields and key != "selected_epoch"},
        selected_epoch=epoch,
        valid_would_select=record.selected_epoch,
    ).write(context.out("selection"))
    _track(context, record, predicted)
    context.say(f"test accuracy {predicted.correct.mean():.4f} of {len(test)} images")
    if METHODS[record.settings.method].slow:
        context.checkpoints.clear()


def _predict(context: Context, classifier: Classifier, images: ImageSet, record: RunRecord) -> Predictions:
    must_see(record, images)
    if METHODS[record.settings.method].slow:
        found = predict_blockwise(classifier, images.images, context.checkpoints.child(images.split))
    else:
        found = classifier.predict_proba(images.images)
    return Predictions.of(images, found, record.identity)


def _first_best(context: Context, record: RunRecord, test: ImageSet) -> tuple[int, Classifier, Predictions]:
    """The epoch that counts and what it says: the one kept, or for an arm that picks on test the first best there.

    Only that one kind of arm compares epochs here; it exists to show how far doing so flatters a classifier.
    """
    source = context.input("run")
    epochs = {record.selected_epoch: source}
    if record.select_on == "test":
        epochs = {int(folder.name): folder for folder in sorted((source / EVERY_EPOCH).iterdir())}
    best: tuple[int, Classifier, Predictions] | None = None
    for epoch, folder in epochs.items():
        classifier = create(record.settings, faces_of(record)).load(folder)
        predicted = _predict(context, classifier, test, record)
        if best is None or predicted.correct.mean() > best[2].correct.mean():
            best = epoch, classifier, predicted
    assert best is not None, source
    return best


def _track(context: Context, record: RunRecord, predicted: Predictions) -> None:
    """Add the test scores to the training's own MLflow run, and a line to the ledger."""
    scores = metrics.scores(predicted)
    settings = record.settings.model_dump(mode="json")
    trained = find_named(context.project, "classifiers", record.identity)
    with tracked(
        context.project,
        "classifiers",
        f"{record.arm}-{record.seed}",
        identity=record.identity,
        params=flatten(settings) | {"arm": record.arm, "seed": record.seed},
        tags={"stage": "train", "arm": record.arm, "seed": str(record.seed), "budget": context.params.budget},
        afterwards=trained is not None,
    ) as run:
        run.figures({f"test_{key}": value for key, value in scores.items()})
        run.artifact(context.out("predictions"), "predictions")
        table = pd.DataFrame(metrics.confusion(predicted), index=predicted.classes, columns=predicted.classes)
        run.text(table.to_csv(index_label="true class"), "confusion.csv")
    of_training = circumstances_of_training(context.project, record.identity)
    here = of_training or circumstances(context.project, context.params.compute.instructions, context.device)
    line = LedgerLine(
        identity=record.identity,
        arm=record.arm,
        seed=record.seed,
        manifest=record.manifest,
        settings=settings,
        tuned_by=_tuned_by(context),
        data=context.params.data.model_dump(mode="json"),
        checkpoint=content_hash(context.input("run")),
        gan=_gan(context, record),
        predictions=sha256_file(context.out("predictions")),
        valid_accuracy=record.valid_accuracy,
        test_accuracy=scores["accuracy"],
        mlflow_run=run.id or None,
        trained=[_utc(trained.began), _utc(trained.ended)] if trained else None,
        evaluated=datetime.now(UTC).isoformat(timespec="seconds"),
        circumstances_of="training" if of_training else "evaluation",
        **dict(here),
    )
    append(context.project.reports(context.params.budget) / "ledger.jsonl", line)


def _tuned_by(context: Context) -> dict[str, str | int] | None:
    """The search that the arm's settings are from: who made them, which no training is told."""
    summary = ArmSummary.read(
        context.project.reports(context.params.budget) / "arms" / f"{context.arguments['arm']}.json"
    )
    return summary.tuned_by.model_dump() if summary.tuned_by else None


def _gan(context: Context, record: RunRecord) -> str | None:
    """The identity of the training that made the GANs of an arm's images; None for a source that is no GAN."""
    family = context.params.arms[record.arm].synthetic
    path = context.project.work / "gan" / family / str(context.params.run.draw_of(record.seed)) / GAN_FILE
    return GanRecord.read(path).identity if path.is_file() else None


def _utc(milliseconds: int | None) -> str | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds") if milliseconds else None


STAGE = Stage(
    name="evaluate",
    run=run,
    arguments=("arm", "seed"),
    keys=(),
    rooms=("data", "training", "evaluation"),
    told_code=True,
    inputs={"test": "work/prepared/test", "valid": "work/prepared/valid", "run": "work/runs/{arm}-{seed}"},
    outs={
        "predictions": "reports/{budget}/predictions/{arm}-{seed}.parquet",
        "valid": "reports/{budget}/valid/{arm}-{seed}.parquet",
        "curve": "reports/{budget}/curves/{arm}-{seed}.csv",
        "selection": "reports/{budget}/selection/{arm}-{seed}.json",
    },
)
