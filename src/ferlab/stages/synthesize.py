"""synthesize: draw a family's synthetic sets from its trained generators, one set a draw of the family."""

from pathlib import Path

import numpy as np
from torch import nn

from ferlab.data.images import ImageSet, concatenate
from ferlab.errors import UserError
from ferlab.files import atomic_folder, sha256_file
from ferlab.gan.families import family_named, networks_of
from ferlab.records.gan import FILE, GanRecord
from ferlab.stages.context import Context, Stage
from ferlab.synthesis.sample import draw
from ferlab.training.checkpoint import load_state
from ferlab.training.seeding import derive, set_up

EVERY = "all"  # the gan stage's name for the one GAN of a conditional family
REDO = "remove work/gan and run `dvc repro`: DVC brings the result back, or trains it anew"


def run(context: Context) -> None:
    family = context.arguments["family"]
    per_class = context.section("synthesis.per_class")
    first_seed = context.section("synthesis.seed")
    set_up(context.section("compute").threads)
    with atomic_folder(context.out("sets")) as folder:
        for number in context.section("run.draws"):
            made = make(context.input("gans") / str(number), family, per_class, first_seed + number)
            made.save(folder / str(number))
    context.say(f"{per_class} images for each of {', '.join(made.classes)}")


def make(source: Path, family: str, per_class: int, seed: int) -> ImageSet:
    """Draw so many images of each class from one draw of a family.

    Each image is named after its generator's content, so that equal generators make equal sets.

    Args:
        source: a folder that the stage `gan` made.

    Raises:
        UserError: as `load_generator`.
    """
    record = GanRecord.read(source / FILE, next_step=REDO)
    sets = []
    for number, label in enumerate(record.classes):
        generator, content = load_generator(source, record, family, label)
        images = draw(generator, record.settings.latent, number, per_class, derive(seed, family, label))
        n = len(images)
        ids = tuple(f"{family}/{content[:16]}/{seed}/{label}/{i:06d}" for i in range(n))
        labels = np.full(n, number, dtype=np.int64)
        sets.append(ImageSet(images, labels, record.classes, ids, ("",) * n, (family,) * n, label))
    return concatenate(sets, "synthetic")


def load_generator(source: Path, record: GanRecord, family: str, label: str) -> tuple[nn.Module, str]:
    """The trained generator that makes a label, in evaluation mode, and the SHA-256 of its file.

    Args:
        source: a folder that the stage `gan` made.
        record: its gan.json.

    Raises:
        UserError: the file is absent, isn't the one that was written, or is of another family, size or setting. Nothing
            is deleted.
    """
    known = family_named(family)
    conditional = known.conditional
    part = EVERY if conditional else label
    path = source / f"{part}.safetensors"
    if record.family != family:
        raise UserError(
            f"these GANs are of the family {record.family}, not {family}", where=str(source), next_step=REDO
        )
    if not path.exists() or sha256_file(path) != record.sha256.get(part):
        raise UserError(
            f"the trained generator of '{part}' is {'damaged' if path.exists() else 'absent'}",
            where=str(path),
            next_step=REDO,
        )
    n_labels = len(record.classes) if conditional else 1
    generator, _ = networks_of(known, record.settings, n_labels, record.side, record.channels)
    try:
        generator.load_state_dict(load_state(path))
    except RuntimeError as error:
        raise UserError(
            f"the trained generator fits no {family} of these settings: {error}", where=str(path), next_step=REDO
        ) from None
    return generator.eval(), record.sha256[part]


STAGE = Stage(
    name="synthesize",
    run=run,
    arguments=("family",),
    keys=("compute", "run.draws", "synthesis.seed", "synthesis.per_class"),
    rooms=("data", "training", "gan", "synthesis"),
    inputs={"gans": "work/gan/{family}"},
    outs={"sets": "work/sources/{family}"},
)
