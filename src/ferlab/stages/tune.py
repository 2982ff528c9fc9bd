"""tune: search learning rate and batch size of one classifier on train and validation only."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from ferlab.adapters.tracking import tracked
from ferlab.adapters.tuning import Suggestion, best, search
from ferlab.classifiers.base import Plan
from ferlab.classifiers.catalogue import create
from ferlab.data.images import ImageSet
from ferlab.data.splits import stratified_part
from ferlab.files import write_json, write_text
from ferlab.params import NetworkClassifier, Tune
from ferlab.stages.context import Context, Stage
from ferlab.training.identity import flatten
from ferlab.training.observe import Observer, ShowProgress, all_of
from ferlab.training.seeding import derive, set_up


def run(context: Context) -> None:
    name, space = context.arguments["classifier"], context.section("tune")
    settings: NetworkClassifier = context.section("classifiers.{classifier}")
    set_up(context.section("compute").threads)
    train, valid = (ImageSet.open(path) for path in context.inputs)
    part = train.take(stratified_part(train.labels, space.train_fraction, derive(space.seed, "part") % 2**32))
    context.start_training()
    tags = {"stage": "tune", "classifier": name, "budget": context.params.budget}
    with tracked(
        context.project,
        "tuning",
        f"tune-{name}",
        identity=context.identity.name,
        params=flatten({"tune": space.model_dump(), "classifier": settings.model_dump()}),
        tags=tags,
        datasets=[("train", "training", part.digest()), ("valid", "validation", valid.digest())],
    ) as study:

        def objective(suggestion: Suggestion, observe: Observer) -> float:
            return _trial(context, settings, space, suggestion, part, valid, observe, study.id, tags)

        rows = search(objective, space, context.project.state / "optuna.db", context.identity.name)
        winner = best(rows)
        study.figures({"best_valid_accuracy": winner.value or 0.0, "trials": len(rows)})
    tuned, trials = context.outs
    write_text(trials, pd.DataFrame([asdict(row) for row in rows]).to_csv(index=False))
    write_json(
        tuned,
        {
            "lr": winner.lr,
            "batch_size": winner.batch_size,
            "valid_accuracy": winner.value,
            "trials": len(rows),
            "identity": context.identity.name,
        },
    )
    context.say(f"best of {len(rows)} trials: lr {winner.lr:.3g}, batch size {winner.batch_size}")
    context.end_training()


def _trial(
    context: Context,
    settings: NetworkClassifier,
    space: Tune,
    suggestion: Suggestion,
    train: ImageSet,
    valid: ImageSet,
    observe: Observer,
    parent: str,
    tags: dict[str, Any],
) -> float:
    name = f"tune-{context.arguments['classifier']}-{suggestion.number}"
    changed = {"lr": suggestion.lr, "batch_size": suggestion.batch_size, "epochs": space.epochs}
    trial = settings.model_copy(update=changed)
    with (
        tracked(
            context.project,
            "tuning",
            name,
            identity=f"{context.identity.name}-{suggestion.number}",
            params=flatten(trial.model_dump()),
            tags=tags | {"trial": str(suggestion.number)},
            parent=parent,
        ) as run,
        ShowProgress(name, space.epochs, context.quiet) as progress,
    ):
        fit = create(trial).fit(
            train,
            valid,
            Plan(derive(space.seed, "weights"), context.device),
            observe=all_of(run.observe, progress, observe),
            checkpoints=context.checkpoints.child(str(suggestion.number)),
        )
        run.figures({"best_valid_accuracy": fit.valid_accuracy})
    return fit.valid_accuracy


STAGE = Stage(
    name="tune",
    run=run,
    arguments=("classifier",),
    keys=("compute", "tune", "classifiers.{classifier}"),
    rooms=("data", "training", "classifiers"),
    inputs=("work/prepared/train", "work/prepared/valid"),
    outs=("work/tuned/{classifier}.json", "reports/{budget}/trials/{classifier}.csv"),
)
