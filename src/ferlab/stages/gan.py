"""gan: train one family, its label set in turn (the paper's Experiment A)."""

import numpy as np
import pandas as pd
import torch

from ferlab.adapters.tracking import tracked
from ferlab.data.images import ImageSet
from ferlab.files import atomic_folder, write_json, write_text
from ferlab.gan.families import find
from ferlab.gan.fit import TrainedGan, fit
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
        chosen = images if label == EVERY else images.take(images.labels == images.classes.index(label))
        trained[label] = _train(context, name, label, settings, chosen)
    with atomic_folder(context.outs[0]) as folder:
        for label, gan in trained.items():
            save_state(gan.generator.state_dict(), folder / f"{label}.safetensors")
            write_text(folder / f"{label}.csv", pd.DataFrame(gan.history).to_csv(index=False))
        record = {
            "family": name,
            "settings": settings.model_dump(mode="json"),
            "classes": images.classes,
            "identity": context.identity.name,
        }
        write_json(folder / "gan.json", record)
    context.end_training()


def _train(context: Context, name: str, label: str, settings: GanFamily, images: ImageSet) -> TrainedGan:
    slot = f"{name}-{label}"
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
            torch.from_numpy(images.labels),
            n_labels=len(images.classes),
            seed=derive(context.section("gan.seed"), name, label),
            device=context.device,
            observe=all_of(tracked_run.observe, progress),
            checkpoints=context.checkpoints.child(label),
        )


STAGE = Stage(
    name="gan",
    run=run,
    arguments=("family",),
    keys=("compute", "gan.seed", "gan.families.{family}"),
    rooms=("data", "training", "gan"),
    inputs=("work/prepared/ckplus",),
    outs=("work/gan/{family}",),
)
