"""One point's answer: its validation predictions, made once and kept under the identity of its training.

The test split is not read: what is chosen by looking at many runs must not be chosen on the images that judge it.
"""

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ferlab import params as schema
from ferlab.ablation.question import Point
from ferlab.ablation.variant import context, lay
from ferlab.adapters.tracking import find_named
from ferlab.evaluation import predictions
from ferlab.evaluation.predictions import Predictions
from ferlab.execution.locks import exclusive
from ferlab.files import atomic_folder, sweep, write_json
from ferlab.project import Project
from ferlab.stages.context import Context, call
from ferlab.training.observe import Observer, ignore

PREDICTIONS = "valid.parquet"


@dataclass(frozen=True)
class Answer:
    """What a point found; plain data.

    Attributes:
        identity: of the training; None if it failed before it had one.
        accuracy: on PublicTest, of the selected epoch, 0-1.
        seconds: of the training; None where it wasn't run here.
        source: `run` (now), `earlier` (an earlier question's), `pipeline` (the checkout's own `dvc repro`) or `failed`.
        error: what went wrong, for people.
    """

    point: Point
    source: str
    identity: str | None = None
    accuracy: float | None = None
    seconds: float | None = None
    mlflow_run: str | None = None
    error: str | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def known(project: Project, point: Point) -> Answer | None:
    """The answer of a point that has already run, in an earlier question or in the pipeline; None if it hasn't."""
    told = _training(lay(project, schema.load(project.params), point), point)
    return _kept(project, point, told) or _from_pipeline(project, point, told)


def answer(project: Project, point: Point, *, observe: Observer = ignore, parent: str | None = None) -> Answer:
    """Train a point, unless its identity has already run.

    Raises:
        UserError: what a stage raises.
    """
    variant = lay(project, schema.load(project.params), point)
    told = _training(variant, point, observe=observe, parent=parent)
    with exclusive(project, f"answer-{told.identity.name}", patience=-1):  # of two that ask the same, one trains
        if before := _kept(project, point, told) or _from_pipeline(project, point, told):
            return before
        sweep(_place(project, told.identity.name))  # what a kill while it was kept left behind
        began = time.monotonic()
        if not (_is_of(told.outs[0], told) and _is_tracked(project, told)):  # both are, after a kill just before this
            call(told)
        seconds = time.monotonic() - began
        _keep(project, told, told.outs[0], {"source": "earlier", "seconds": seconds})
        shutil.rmtree(told.outs[0])
    found = _kept(project, point, told)
    assert found
    return replace(found, source="run", seconds=seconds)


def validation_predictions(project: Project, identity: str) -> Predictions:
    """The validation predictions that an answer kept."""
    return predictions.read(_place(project, identity) / PREDICTIONS)


def _training(variant: Project, point: Point, **more: Any) -> Context:
    return context(variant, "train", [point.arm, str(point.seed)], **more)


def _place(project: Project, identity: str) -> Path:
    return project.state / "ablation" / "answers" / identity


def _kept(project: Project, point: Point, told: Context) -> Answer | None:
    path = _place(project, told.identity.name) / "answer.json"
    if not path.is_file():
        return None
    found = json.loads(path.read_text())
    return Answer(point, found["source"], told.identity.name, found["accuracy"], None, found["mlflow_run"], None, found)


def _from_pipeline(project: Project, point: Point, told: Context) -> Answer | None:
    source = project.work / "runs" / f"{point.arm}-{point.seed}"
    if not _is_of(source, told):
        return None
    _keep(project, told, source, {"source": "pipeline", "seconds": None})
    return _kept(project, point, told)


def _is_of(run: Path, told: Context) -> bool:
    record = run / "run.json"
    return record.is_file() and json.loads(record.read_text())["identity"] == told.identity.name


def _is_tracked(project: Project, told: Context) -> bool:
    """Whether MLflow knows a training as finished: a kill just after its outs were written leaves it open there."""
    tracked = find_named(project, "classifiers", told.identity.name)
    return tracked is not None and tracked.info.status == "FINISHED"


def _keep(project: Project, told: Context, run: Path, more: Mapping[str, Any]) -> None:
    """Predict the validation split with a finished training, and keep that with its curve and record."""
    from ferlab.classifiers.catalogue import recreate
    from ferlab.data.images import ImageSet
    from ferlab.training.seeding import set_up

    record = json.loads((run / "run.json").read_text())
    set_up(told.params.compute.threads)
    valid = ImageSet.open(told.input("valid"))
    found = Predictions(
        valid.ids, valid.labels, recreate(record["settings"]).load(run).predict_proba(valid.images), record["identity"]
    )
    tracked = find_named(project, "classifiers", record["identity"])
    with atomic_folder(_place(project, record["identity"])) as folder:
        predictions.write(folder / PREDICTIONS, found)
        for name in ("curve.csv", "run.json"):
            shutil.copyfile(run / name, folder / name)
        write_json(
            folder / "answer.json",
            {
                "accuracy": float(found.correct.mean()),
                "selected_epoch": record["selected_epoch"],
                "mlflow_run": tracked.info.run_id if tracked else None,
                **more,
            },
        )
