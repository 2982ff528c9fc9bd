"""synthesize: draw a family's synthetic set from its trained generators."""

import io
import json

import numpy as np

from ferlab.data.images import ImageSet, concatenate
from ferlab.files import atomic_write
from ferlab.gan.families import find
from ferlab.params import GanFamily
from ferlab.stages.context import Context, Stage
from ferlab.synthesis.sample import draw
from ferlab.training.checkpoint import load_state
from ferlab.training.seeding import derive, set_up

EVERY = "all"  # the gan stage's name for the one GAN of a conditional family


def run(context: Context) -> None:
    name, (source,), (target, shown) = context.arguments["family"], context.inputs, context.outs
    settings = context.section("synthesis")
    set_up(context.section("compute").threads)
    record = json.loads((source / "gan.json").read_text())
    gan = GanFamily.model_validate(record["settings"])
    family, classes = find(name), tuple(record["classes"])
    sets = []
    for number, label in enumerate(classes):
        maker, _ = family.networks(gan, len(classes))
        maker.load_state_dict(load_state(source / f"{EVERY if family.conditional else label}.safetensors"))
        seed = derive(settings.seed, name, label)
        images = draw(maker.eval(), gan.latent, number, settings.per_class, seed)
        n = len(images)
        ids = tuple(f"{name}/{record['identity']}/{settings.seed}/{label}/{i:06d}" for i in range(n))
        labels = np.full(n, number, dtype=np.int64)
        sets.append(ImageSet(images, labels, classes, ids, ("",) * n, (name,) * n, label))
    concatenate(sets, "synthetic").save(target)
    samples = io.BytesIO()
    np.save(samples, np.stack([s.images[: settings.shown] for s in sets]))
    with atomic_write(shown) as handle:
        handle.write(samples.getvalue())
    context.say(f"{settings.per_class} images for each of {', '.join(classes)}")


STAGE = Stage(
    name="synthesize",
    run=run,
    arguments=("family",),
    keys=("compute", "synthesis"),
    rooms=("data", "training", "gan", "synthesis"),
    inputs=("work/gan/{family}",),
    outs=("work/synthetic/{family}", "reports/{budget}/samples/{family}.npy"),
)
