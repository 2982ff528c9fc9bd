"""train: fit one arm with one seed; select on PublicTest. The test split is not among its inputs."""

import json
import shutil
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from ferlab.adapters.models import log_if_best
from ferlab.adapters.tracking import TrackedRun, tracked
from ferlab.classifiers.base import Fit, Plan
from ferlab.classifiers.catalogue import recreate
from ferlab.classifiers.schedule import batches_per_epoch
from ferlab.data.images import SIDE, ImageSet, concatenate
from ferlab.files import atomic_folder, write_json, write_text
from ferlab.stages.context import EVERY_EPOCH, Context, Stage, exclusive
from ferlab.stages.ledger import commit
from ferlab.training.identity import flatten
from ferlab.training.observe import ShowProgress, all_of
from ferlab.training.seeding import set_up

EXAMPLE = np.stack([np.full((SIDE, SIDE), 64, np.uint8), np.full((SIDE, SIDE), 192, np.uint8)])


def run(context: Context) -> None:
    arm, seed = context.arguments["arm"], int(context.arguments["seed"])
    set_up(context.section("compute").threads)
    train_folder, valid_folder, arm_folder = context.inputs
    plan = json.loads((arm_folder / "plan.json").read_text())
    real, dropped = ImageSet.open(train_folder), set(json.loads((arm_folder / "dropped.json").read_text()))
    if dropped:
        real = real.take(np.array([name not in dropped for name in real.ids]))
    train = concatenate([real, ImageSet.open(arm_folder / "added")], "train")
    valid = ImageSet.open(valid_folder)
    classifier = recreate(plan["settings"])
    every_epoch = context.checkpoints.folder / EVERY_EPOCH if plan["select_on"] == "test" else None
    context.start_training()
    tags = {"stage": "train", "arm": arm, "seed": str(seed), "budget": context.params.budget} | commit(context.project)
    with (
        exclusive(context.project, context.identity.name),  # an ablation may ask for the very same training
        tracked(
            context.project,
            "classifiers",
            context.place,
            identity=context.identity.name,
            params=flatten(plan) | {"arm": arm, "seed": seed, "threads": context.params.compute.threads},
            tags=tags | {"data": context.params.data.kind},
            datasets=[("train", "training", train.digest()), ("valid", "validation", valid.digest())],
            parent=context.parent,
        ) as tracked_run,
        ShowProgress(context.slot, _epochs(plan, len(train)), context.quiet) as progress,
    ):
        fit = classifier.fit(
            train,
            valid,
            Plan(seed, context.device, plan["steps"], every_epoch, tracked_run.observe),
            observe=all_of(tracked_run.observe, progress, context.observe),
            checkpoints=context.checkpoints,
        )
        with atomic_folder(context.outs[0]) as folder:
            classifier.save(folder)
            if every_epoch:
                shutil.copytree(every_epoch, folder / EVERY_EPOCH)
            write_text(folder / "curve.csv", pd.DataFrame(fit.history).to_csv(index=False))
            write_json(folder / "run.json", _record(context, arm, seed, plan, fit))
        _log(context, tracked_run, fit)
    context.say(f"validation accuracy {fit.valid_accuracy:.4f}, epoch {fit.selected_epoch}")
    context.end_training()


def _epochs(plan: dict[str, Any], images: int) -> int | None:
    """The last epoch, for the progress bar; None where steps aren't counted or end by themselves."""
    return ceil(plan["steps"] / batches_per_epoch(images, plan["settings"]["batch_size"])) if plan["steps"] else None


def _record(context: Context, arm: str, seed: int, plan: dict[str, Any], fit: Fit) -> dict[str, Any]:
    return {
        "arm": arm,
        "seed": seed,
        "identity": context.identity.name,
        "manifest": context.identity.manifest,
        "settings": plan["settings"],
        "tuned_by": plan["tuned_by"],
        "select_on": plan["select_on"],
        "selected_epoch": fit.selected_epoch,
        "valid_accuracy": fit.valid_accuracy,
        "notes": fit.notes,
    }


def _log(context: Context, run: TrackedRun, fit: Fit) -> None:
    run.figures({"best_valid_accuracy": fit.valid_accuracy, "selected_epoch": fit.selected_epoch, **fit.notes})
    for name in ("curve.csv", "run.json"):
        run.artifact(context.outs[0] / name)
    run.flush()
    if context.project.variant:  # its weights are dropped once it has answered
        return
    arm_tag = "/".join((context.params.budget, context.params.data.kind, context.arguments["arm"]))
    log_if_best(run, arm_tag, fit.valid_accuracy, context.outs[0], EXAMPLE)


STAGE = Stage(
    name="train",
    run=run,
    arguments=("arm", "seed"),
    keys=("compute",),
    rooms=("data", "training", "classifiers"),
    inputs=("work/prepared/train", "work/prepared/valid", "work/arms/{arm}"),
    outs=("work/runs/{arm}-{seed}",),
)
