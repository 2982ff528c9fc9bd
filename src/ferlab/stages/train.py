"""train: fit one arm with one seed, as its plan says. The test split is not among its inputs.

Nor is the split valid where the arm holds out a part of the training images instead.
"""

import json
import shutil
from math import ceil
from typing import Any, Literal

import numpy as np
import pandas as pd

from ferlab.adapters.models import best_of
from ferlab.adapters.tracking import TrackedRun, tracked
from ferlab.classifiers.base import Fit, TrainingPlan
from ferlab.classifiers.catalogue import create, updates_per_epoch
from ferlab.classifiers.schedule import rates
from ferlab.data.images import Faces, ImageSet, concatenate
from ferlab.execution.locks import exclusive
from ferlab.files import atomic_folder, content_hash, write_text
from ferlab.records.ledger import read_ledger
from ferlab.records.plan import ArmPlan
from ferlab.records.run import FILE, RunRecord
from ferlab.stages.context import EVERY_EPOCH, Context, Stage
from ferlab.stages.ledger import circumstances, note_training
from ferlab.training.identity import Identity, flatten, identify_training
from ferlab.training.observe import all_of
from ferlab.training.seeding import set_up


def run(context: Context) -> None:
    arm, seed = context.arguments["arm"], context.arguments["seed"]
    plan = plan_of(context)
    set_up(plan.compute.threads)
    train, valid = sets(context, plan)
    classifier = create(plan.settings, train.faces)
    every_epoch = context.checkpoints.folder / EVERY_EPOCH if plan.select_on == "test" else None
    select: Literal["valid", "last"] = "last" if plan.select_on == "last" else "valid"
    context.start_training()
    here = circumstances(context.project, plan.compute.instructions, context.device)
    about = {"arm": arm, "seed": seed}
    row = context.params.arms[arm].model_dump(mode="json")
    tags = {"stage": "train", "budget": context.params.budget, "data": context.params.data.kind}
    with (
        exclusive(context.project, context.identity.name),  # an ablation may ask for the very same training
        tracked(
            context.project,
            "classifiers",
            context.key,
            identity=context.identity.name,
            params=flatten(row | plan.model_dump(mode="json") | about | {"threads": plan.compute.threads}),
            tags=tags | about | {"commit": here.commit, "dirty": here.dirty},
            datasets=[("train", "training", train.digest()), (valid.split, "validation", valid.digest())],
            parent=context.parent,
        ) as tracked_run,
        context.progress(context.run_key, _epochs(plan)) as progress,
    ):
        fit = classifier.fit(
            train,
            valid,
            TrainingPlan(plan.seed, context.device, plan.steps, every_epoch, tracked_run.observe, select),
            observe=all_of(tracked_run.observe, progress, context.observe),
            checkpoints=context.checkpoints,
        )
        with atomic_folder(context.out("run")) as folder:
            classifier.save(folder)
            if every_epoch:
                shutil.copytree(every_epoch, folder / EVERY_EPOCH)
            write_text(folder / "curve.csv", pd.DataFrame(fit.history).to_csv(index=False))
            _record(context, plan, fit, train.faces).write(folder / FILE)
        note_training(context.project, context.identity.name, here)
        _log(context, plan, tracked_run, fit)
    context.say(f"validation accuracy {fit.valid_accuracy:.4f}, epoch {fit.selected_epoch}")
    context.end_training()


def plan_of(context: Context) -> ArmPlan:
    """The plan that the stage `mix` made."""
    return ArmPlan.read(context.input("plan") / "plan.json")


def sets(context: Context, plan: ArmPlan) -> tuple[ImageSet, ImageSet]:
    """The images to train on, and those that validate: the split valid, or a part of the real training images."""
    real, valid = ImageSet.open(context.input("train")), ImageSet.open(context.input("valid"))
    dropped = json.loads((context.input("plan") / "dropped.json").read_text())
    without = [*dropped, *valid.ids] if plan.held_out else dropped
    if without:
        real = real.take(~np.isin(np.array(real.ids), without))
    return concatenate([real, ImageSet.open(context.input("plan") / "added")], "train"), valid


def _identify(context: Context) -> Identity:
    plan, arm, seed = plan_of(context), context.arguments["arm"], int(context.arguments["seed"])
    train, valid = (content_hash(context.input(name)) for name in ("train", "valid"))
    return identify_training(plan, arm, seed, train, valid, context.device)


def _epochs(plan: ArmPlan) -> int | None:
    """The last epoch, for the progress bar; None where steps aren't counted or end by themselves."""
    updates = updates_per_epoch(plan.settings, plan.real_images + plan.added_images)
    return ceil(plan.steps / updates) if plan.steps and updates else None


def _schedule(plan: ArmPlan) -> str | None:
    """The learning rate of every update as CSV; None of a method that doesn't count them."""
    updates = updates_per_epoch(plan.settings, plan.real_images + plan.added_images)
    if not updates:
        return None
    settings: Any = plan.settings
    total = plan.steps or settings.epochs * updates
    return pd.DataFrame({"lr": rates(settings.schedule, settings.lr, total)}).to_csv(index_label="step")


def _record(context: Context, plan: ArmPlan, fit: Fit, faces: Faces) -> RunRecord:
    return RunRecord(
        arm=context.arguments["arm"],
        seed=plan.seed,
        identity=context.identity.name,
        manifest=dict(context.identity.manifest),
        settings=plan.settings,
        select_on=plan.select_on,
        selected_epoch=fit.selected_epoch,
        valid_accuracy=fit.valid_accuracy,
        notes=fit.notes,
        classes=faces.classes,
        side=faces.side,
        channels=faces.channels,
    )


def _log(context: Context, plan: ArmPlan, run: TrackedRun, fit: Fit) -> None:
    run.figures({"best_valid_accuracy": fit.valid_accuracy, "selected_epoch": fit.selected_epoch, **fit.notes})
    if (tested := _known_test_accuracy(context)) is not None:
        run.figures({"test_accuracy": tested})
    for name in ("curve.csv", FILE):
        run.artifact(context.out("run") / name)
    if schedule := _schedule(plan):
        run.text(schedule, "schedule.csv")
    run.flush()
    if context.project.variant:  # its weights are dropped once it has answered
        return
    arm_tag = best_of(context.params.budget, context.params.data.kind, context.arguments["arm"])
    run.model(arm_tag, fit.valid_accuracy, context.out("run"))


def _known_test_accuracy(context: Context) -> float | None:
    """Of a training that is repeated, whose evaluation DVC then skips; None where it was never evaluated."""
    lines = read_ledger(context.project.reports(context.params.budget) / "ledger.jsonl")
    return next((line.test_accuracy for line in reversed(lines) if line.identity == context.identity.name), None)


STAGE = Stage(
    name="train",
    run=run,
    arguments=("arm", "seed"),
    keys=(),
    rooms=("data", "training"),
    told_code=True,
    inputs={"train": "work/prepared/train", "valid": "work/arms/{arm}/valid", "plan": "work/arms/{arm}/{seed}"},
    outs={"run": "work/runs/{arm}-{seed}"},
    identify=_identify,
)
