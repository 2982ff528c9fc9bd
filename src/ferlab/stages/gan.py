"""gan: train one draw of a family, its label set in turn (the paper's Experiment A)."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image

from ferlab.adapters.tracking import TrackedRun, tracked
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.execution.locks import exclusive
from ferlab.files import atomic_folder, sha256_file, write_text
from ferlab.gan.families import family_named
from ferlab.gan.fit import GridObserver, TrainedGan, fit
from ferlab.params import GanFamily
from ferlab.records.gan import FILE, GanRecord
from ferlab.stages.context import Context, Stage
from ferlab.training.checkpoint import save_state
from ferlab.training.identity import flatten
from ferlab.training.observe import all_of
from ferlab.training.seeding import derive, set_up

EVERY = "all"  # the name of the one GAN of a conditional family


def run(context: Context) -> None:
    images = ImageSet.open(context.input("ckplus"))
    context.start_training()
    trained = {label: train_label(context, label) for label in labels(context)}
    with atomic_folder(context.out("gans")) as folder:
        hashes = {}
        for label, gan in trained.items():
            save_state(gan.generator.state_dict(), folder / f"{label}.safetensors")
            hashes[label] = sha256_file(folder / f"{label}.safetensors")
            write_text(folder / f"{label}.csv", pd.DataFrame(gan.history).to_csv(index=False))
        GanRecord(
            family=context.arguments["family"],
            draw=int(context.arguments["draw"]),
            settings=context.section("gan.families.{family}"),
            classes=images.classes,
            identity=context.identity.name,
            sha256=hashes,
            side=images.side,
            channels=images.channels,
        ).write(folder / FILE)
    context.end_training()


def run_part(context: Context, label: str) -> None:
    """Train one label's GAN into its checkpoint, so that several can be trained side by side.

    Raises:
        UserError: the family has no such GAN.
    """
    if label not in labels(context):
        raise UserError(
            f"the family {context.arguments['family']} has no GAN of '{label}'",
            where="--label",
            next_step=f"it has {', '.join(labels(context))}",
        )
    train_label(context, label)


def labels(context: Context) -> tuple[str, ...]:
    """What each GAN of the family makes: a class each, or `all` of a conditional family's one."""
    conditional = family_named(context.arguments["family"]).conditional
    return (EVERY,) if conditional else ImageSet.open(context.input("ckplus")).classes


def train_label(context: Context, label: str) -> TrainedGan:
    """Train one label's GAN into its own checkpoint, or find it finished there. Several labels may be trained at once.

    Args:
        label: a class, on whose images alone it is trained, or `all`.
    """
    name = context.arguments["family"]
    settings = context.section("gan.families.{family}")
    assert isinstance(settings, GanFamily)
    set_up(context.section("compute").threads)
    images = ImageSet.open(context.input("ckplus"))
    classes, numbers = images.classes, images.labels
    if label != EVERY:
        images = images.take(images.labels == images.classes.index(label))
        classes, numbers = (label,), np.zeros(len(images), np.int64)
    run_key = f"{context.run_key}-{label}"
    with (
        exclusive(context.project, run_key, context.patience),
        tracked(
            context.project,
            "gans",
            run_key.removeprefix("gan-"),
            identity=f"{context.identity.name}-{label}",
            params=flatten(settings.model_dump()) | {"threads": context.params.compute.threads},
            tags={"stage": "gan", "label": label, "budget": context.params.budget, **context.arguments},
            datasets=[("ckplus", "training", images.digest())],
        ) as tracked_run,
        context.progress(run_key, settings.epochs) as progress,
    ):
        return fit(
            family_named(name),
            settings,
            torch.from_numpy(np.array(images.images)),
            torch.from_numpy(numbers),
            classes=classes,
            seed=derive(context.section("gan.seed") + int(context.arguments["draw"]), name, label),
            device=context.device,
            observe=all_of(tracked_run.observe, progress),
            checkpoints=context.checkpoints.child(label),
            observe_grid=_keep_grids(tracked_run),
            grid_every=context.params.runtime.look_every,
        )


def _keep_grids(tracked_run: TrackedRun) -> GridObserver:
    """Pictures of what the generator makes of the same noise, as artifacts of the run: a row a label."""

    def keep(epoch: int, images: NDArray[np.uint8]) -> None:
        frame = ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0))[: images.ndim]
        wall = np.pad(images, frame, constant_values=255)
        rows, columns, high, wide = wall.shape[:4]
        picture = Image.fromarray(wall.swapaxes(1, 2).reshape(rows * high, columns * wide, *wall.shape[4:]))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"epoch-{epoch:04d}.png"
            picture.save(path)
            tracked_run.artifact(path, "samples")

    return keep


STAGE = Stage(
    name="gan",
    run=run,
    arguments=("family", "draw"),
    keys=("compute", "gan.seed", "gan.families.{family}"),
    rooms=("data", "training", "gan"),
    inputs={"ckplus": "work/sources/ckplus"},
    outs={"gans": "work/gan/{family}/{draw}"},
    run_part=run_part,
)
