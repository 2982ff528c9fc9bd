"""tune: search settings of one classifier on train and validation only. The test split is not among its inputs."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd
from filelock import Timeout

from ferlab.adapters.known import find_named, mark_killed
from ferlab.adapters.study import Storage
from ferlab.adapters.tracking import tracked
from ferlab.adapters.tuning import Suggestion, TrialRow, best, importances, search
from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.catalogue import create
from ferlab.data.images import ImageSet
from ferlab.data.splits import hold_out, stratified_part
from ferlab.errors import UserError
from ferlab.files import write_text
from ferlab.params import Scalar, Tune, with_values
from ferlab.records.plan import TunedSettings
from ferlab.records.search import NEAR, SearchRecord, ranks
from ferlab.stages.context import Context, Stage
from ferlab.training.identity import flatten
from ferlab.training.observe import Observer, Pruned, all_of, ignore
from ferlab.training.seeding import derive, set_up

EXPERIMENT = "tuning"


@dataclass(frozen=True)
class Bench:
    """What the trials of one study have in common.

    Attributes:
        part: the share of the training split that trials see.
        parent: the study's MLflow run, if there is one.
    """

    context: Context
    study: str
    train: ImageSet
    part: ImageSet
    valid: ImageSet
    parent: str | None

    @property
    def majority(self) -> float:
        """The share (0-1) of the commonest class among the images that score."""
        return max(self.valid.counts().values()) / len(self.valid)

    def fit(self, name: str, values: dict[str, Scalar], epochs: int, train: ImageSet, observe: Observer) -> float:
        """Train once, as an MLflow run below the study's; returns the best validation accuracy (0-1)."""
        context = self.context
        space: Tune = context.section("tune")
        title = f"{self.study}-{name}"
        checkpoints = context.checkpoints.child(f"{name}-{epochs}")
        settings = with_values(context.section("classifiers.{classifier}"), values).model_copy(
            update={"epochs": epochs}
        )
        with (
            tracked(
                context.project,
                EXPERIMENT,
                title,
                identity=f"{context.identity.name}-{name}-{epochs}",
                params=flatten(settings.model_dump()) | {"images": len(train)},
                tags=_tags(context) | {"trial": name},
                parent=self.parent,
            ) as run,
            context.progress(title, epochs) as progress,
        ):
            try:
                fit = create(settings, train.faces).fit(
                    train,
                    self.valid,
                    TrainingPlan(derive(space.seed, "weights"), context.device),
                    observe=all_of(run.observe, progress, observe),
                    checkpoints=checkpoints,
                )
            except (Pruned, UserError):
                checkpoints.clear()  # it ended; only a killed one is taken up again
                raise
            run.figures({"best_valid_accuracy": fit.valid_accuracy})
        return fit.valid_accuracy


def run(context: Context) -> None:
    context.start_training()
    storage = storage_of(context)
    name = study_name(context)
    with bench(context, storage, name) as at:
        rows = search_on(at, storage, wait=True)
        outcome = _judge(at, rows)
    flat = flat_words(at, rows)
    outcome["importances"] = {} if flat else importances(storage, name)
    write_text(context.out("trials"), pd.DataFrame([_flat(row) for row in rows]).to_csv(index=False))
    record = SearchRecord.of(outcome)
    record.write(context.out("summary"))
    chosen = record.chosen
    TunedSettings(values=chosen.values, trial=chosen.trial, study=name, identity=context.identity.name).write(
        context.out("tuned")
    )
    context.say(f"best of {len(rows)} trials: {chosen.values}{flat and f'; {flat}'}")
    context.end_training()


def flat_words(at: Bench, rows: list[TrialRow]) -> str:
    """What is to be said of a search that ranks nothing; "" of one that does."""
    if ranks((row.value for row in rows), at.majority):
        return ""
    return (
        f"this search ranks nothing: no trial is more than {100 * NEAR:g} points above always answering the commonest "
        f"class ({at.majority:.2%})"
    )


def storage_of(context: Context, url: str | None = None) -> Storage:
    """The study's storage: a URL, else the project's own SQLite file."""
    return Storage(url or context.project.study_uri, context.project.state / "locks" / "trials")


def study_name(context: Context) -> str:
    """Says what is searched, and by its last digits with which parameters, data and code."""
    return f"tune-{context.arguments['classifier']}-{context.identity.name[:8]}"


def _sets(context: Context, space: Tune) -> tuple[ImageSet, ImageSet]:
    """The images to train on, and those that score: the split valid, or a part of train that shares no copy with it."""
    train = ImageSet.open(context.input("train"))
    if not space.held_out:
        return train, ImageSet.open(context.input("valid"))
    kept, rest = hold_out(train, space.held_out)
    return train.take(kept), train.take(rest)


@contextmanager
def bench(context: Context, storage: Storage, name: str) -> Iterator[Bench]:
    """Open the data and the study's MLflow run. The first of several workers holds that run."""
    space: Tune = context.section("tune")
    set_up(context.section("compute").threads)
    train, valid = _sets(context, space)
    part = train.take(stratified_part(train.labels, space.train_fraction, derive(space.seed, "part") % 2**32))
    mark_killed(context.project, EXPERIMENT, storage.is_held)
    leader = storage.lock(name)
    try:
        leader.acquire(timeout=0)
    except Timeout:
        parent = find_named(context.project, EXPERIMENT, context.identity.name)
        yield Bench(context, name, train, part, valid, parent.run if parent else None)
        return
    settings = context.section("classifiers.{classifier}")
    about = context.identity.manifest["params"]["tune"]
    try:
        with tracked(
            context.project,
            EXPERIMENT,
            name,
            identity=context.identity.name,
            params=flatten({"tune": about, "classifier": settings.model_dump()}),
            tags=_tags(context),
            datasets=[("train", "training", part.digest()), ("valid", "validation", valid.digest())],
        ) as study:
            yield Bench(context, name, train, part, valid, study.id)
    finally:
        leader.release()


def search_on(at: Bench, storage: Storage, wait: bool) -> list[TrialRow]:
    """The study's trials, run to their total."""
    context = at.context
    space: Tune = context.section("tune")

    def objective(suggestion: Suggestion, observe: Observer) -> float:
        return at.fit(str(suggestion.number), suggestion.values, space.epochs, at.part, observe)

    command = f"ferlab tune {context.arguments['classifier']} --study {at.study}"
    if storage.url != context.project.study_uri:
        command += f" --storage {storage.shown}"
    return search(
        objective, space, storage, at.study, context.identity.manifest, command=command, wait=wait, say=context.say
    )


def _judge(at: Bench, rows: list[TrialRow]) -> dict[str, Any]:
    """The reference beside the trials, the best trials on the whole training split, and the choice."""
    space: Tune = at.context.section("tune")
    reference = _accuracy(at, "reference", space.reference, space.epochs, at.part)
    transfer = []
    for row in best(rows, space.transfer.best):
        whole = _accuracy(at, f"whole-{row.number}", row.values, space.transfer.epochs, at.train)
        transfer.append({"trial": row.number, "values": row.values, "part": row.value, "whole": whole})
    winner = best(rows)[0]
    chosen: dict[str, Any] = {"trial": winner.number, "values": winner.values, "part": winner.value}
    chosen = max((t for t in transfer if t["whole"] is not None), key=lambda t: t["whole"], default=chosen)
    return {
        "study": at.study,
        "identity": at.context.identity.name,
        "tune": space.model_dump(mode="json"),
        "images": {
            "part": len(at.part),
            "whole": len(at.train),
            "valid": len(at.valid),
            "commonest": max(at.valid.counts().values()),
        },
        "states": Counter(row.state for row in rows),
        "reference": {"values": space.reference, "part": reference},
        "transfer": transfer,
        "chosen": chosen,
    }


def _accuracy(at: Bench, name: str, values: dict[str, Scalar], epochs: int, train: ImageSet) -> float | None:
    """None for a training whose loss doesn't stay finite; the report then says so."""
    try:
        return at.fit(name, values, epochs, train, ignore)
    except UserError:
        return None


def _flat(row: TrialRow) -> dict[str, Any]:
    return {"number": row.number, **row.values, "value": row.value, "state": row.state, "error": row.error}


def _tags(context: Context) -> dict[str, str]:
    return {"stage": "tune", "classifier": context.arguments["classifier"], "budget": context.params.budget}


STAGE = Stage(
    name="tune",
    run=run,
    arguments=("classifier",),
    keys=("compute", "tune", "classifiers.{classifier}"),
    totals=("tune.trials", "tune.transfer"),
    rooms=("data", "training"),
    told_code=True,
    inputs={
        "train": "work/prepared/train",
        "valid": "work/prepared/valid",
        "code": "work/code/{classifier}.json",
    },
    outs={
        "tuned": "work/tuned/{classifier}.json",
        "summary": "reports/{budget}/tuning/{classifier}.json",
        "trials": "reports/{budget}/trials/{classifier}.csv",
    },
)
