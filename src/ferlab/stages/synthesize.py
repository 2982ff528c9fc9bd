"""synthesize: draw a family's synthetic set from its trained generators."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ferlab.data.images import ImageSet, concatenate
from ferlab.errors import UserError
from ferlab.files import sha256_file
from ferlab.gan.families import find
from ferlab.params import GanFamily
from ferlab.stages.context import Context, Stage
from ferlab.synthesis.sample import draw
from ferlab.training.checkpoint import load_state
from ferlab.training.seeding import derive, set_up

EVERY = "all"  # the gan stage's name for the one GAN of a conditional family


def run(context: Context) -> None:
    name, (source,), (target,) = context.arguments["family"], context.inputs, context.outs
    sampling, per_class = context.section("synthesis.seed"), context.section("synthesis.per_class")
    set_up(context.section("compute").threads)
    record = json.loads((source / "gan.json").read_text())
    latent, classes = record["settings"]["latent"], tuple(record["classes"])
    sets = []
    for number, label in enumerate(classes):
        maker = load_generator(source, record, name, label)
        seed = derive(sampling, name, label)
        images = draw(maker, latent, number, per_class, seed)
        n = len(images)
        ids = tuple(f"{name}/{record['identity']}/{sampling}/{label}/{i:06d}" for i in range(n))
        labels = np.full(n, number, dtype=np.int64)
        sets.append(ImageSet(images, labels, classes, ids, ("",) * n, (name,) * n, label))
    concatenate(sets, "synthetic").save(target)
    context.say(f"{per_class} images for each of {', '.join(classes)}")


def load_generator(source: Path, record: dict[str, Any], family: str, label: str) -> nn.Module:
    """The trained generator that makes a label, in evaluation mode.

    Args:
        source: a folder that the stage `gan` made.
        record: its gan.json.

    Raises:
        UserError: the file is absent, isn't the one that was written, or is of another family, size or setting. Nothing
            is deleted.
    """
    conditional = find(family).conditional
    part = EVERY if conditional else label
    path = source / f"{part}.safetensors"
    redo = "remove work/gan and run `dvc repro`: DVC brings the result back, or trains it anew"
    if record["family"] != family:
        raise UserError(
            f"these GANs are of the family {record['family']}, not {family}", where=str(source), next_step=redo
        )
    if not path.exists() or sha256_file(path) != record["sha256"].get(part):
        raise UserError(
            f"the trained generator of '{part}' is {'damaged' if path.exists() else 'absent'}",
            where=str(path),
            next_step=redo,
        )
    settings = GanFamily.model_validate(record["settings"])
    maker, _ = find(family).networks(settings, len(record["classes"]) if conditional else 1)
    try:
        maker.load_state_dict(load_state(path))
    except RuntimeError as error:
        raise UserError(
            f"the trained generator fits no {family} of these settings: {error}", where=str(path), next_step=redo
        ) from None
    return maker.eval()


STAGE = Stage(
    name="synthesize",
    run=run,
    arguments=("family",),
    keys=("compute", "synthesis.seed", "synthesis.per_class"),
    rooms=("data", "training", "gan", "synthesis"),
    inputs=("work/gan/{family}",),
    outs=("work/synthetic/{family}",),
)
