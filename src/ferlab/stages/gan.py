"""gan: train one family, its label set in turn (the paper's Experiment A)."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image

from ferlab.adapters.tracking import TrackedRun, tracked
from ferlab.data.images import ImageSet
from ferlab.files import atomic_folder, sha256_file, write_json, write_text
from ferlab.gan.families import find
from ferlab.gan.fit import Look, TrainedGan, fit
from ferlab.params import GanFamily
from ferlab.stages.context import Context, Stage
from ferlab.training.checkpoint import save_state
from ferlab.training.identity import flatten
from ferlab.training.observe import ShowProgress, all_of
from ferlab.training.seeding import derive, set_up

EVERY = "all"  # the name of the one GAN of a conditional family


def run(context: Context) -> None:
    name = context.arguments["family"]
    family = find(name)
    settings: GanFamily = context.section("gan.families.{family}")
    set_up(context.section("compute").threads)
    images = ImageSet.open(context.inputs[0])
    context.start_training()
    trained = {}
    for label in (EVERY,) if family.conditional else images.classes:
        trained[label] = _train(context, name, label, settings, images)
    with atomic_folder(context.outs[0]) as folder:
        files = {}
        for label, gan in trained.items():
            save_state(gan.generator.state_dict(), folder / f"{label}.safetensors")
            files[label] = sha256_file(folder / f"{label}.safetensors")
            write_text(folder / f"{label}.csv", pd.DataFrame(gan.history).to_csv(index=False))
        record = {
            "family": name,
            "settings": settings.model_dump(mode="json"),
            "classes": images.classes,
            "identity": context.identity.name,
            "sha256": files,
        }
        write_json(folder / "gan.json", record)
    context.end_training()


def _train(context: Context, name: str, label: str, settings: GanFamily, images: ImageSet) -> TrainedGan:
    """Train on all images with their labels, or on one label's images, which are then one class."""
    slot, classes, labels = f"{name}-{label}", images.classes, images.labels
    if label != EVERY:
        images = images.take(images.labels == images.classes.index(label))
        classes, labels = (label,), np.zeros(len(images), np.int64)
    with (
        tracked(
            context.project,
            "gans",
            slot,
            identity=f"{context.identity.name}-{label}",
            params=flatten(settings.model_dump()) | {"threads": context.params.compute.threads},
            tags={"stage": "gan", "family": name, "label": label, "budget": context.params.budget},
            datasets=[("ckplus", "training", images.digest())],
        ) as tracked_run,
        ShowProgress(slot, settings.epochs, context.quiet) as progress,
    ):
        return fit(
            find(name),
            settings,
            torch.from_numpy(np.array(images.images)),
            torch.from_numpy(labels),
            classes=classes,
            seed=derive(context.section("gan.seed"), name, label),
            device=context.device,
            observe=all_of(tracked_run.observe, progress),
            checkpoints=context.checkpoints.child(label),
            look=_keep_grids(tracked_run),
            look_every=context.params.runtime.look_every,
        )


def _keep_grids(tracked_run: TrackedRun) -> Look:
    """Pictures of what the generator makes of the same noise, as artifacts of the run: a row a label."""

    def look(epoch: int, images: NDArray[np.uint8]) -> None:
        wall = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=255)
        rows, columns, high, wide = wall.shape
        picture = Image.fromarray(wall.swapaxes(1, 2).reshape(rows * high, columns * wide))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"epoch-{epoch:04d}.png"
            picture.save(path)
            tracked_run.artifact(path, "samples")

    return look


STAGE = Stage(
    name="gan",
    run=run,
    arguments=("family",),
    keys=("compute", "gan.seed", "gan.families.{family}"),
    rooms=("data", "training", "gan"),
    inputs=("work/prepared/ckplus",),
    outs=("work/gan/{family}",),
)
