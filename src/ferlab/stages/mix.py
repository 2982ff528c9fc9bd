"""mix: make each arm's plan, the images that it adds to FER-2013's training split, and the names of those it drops."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from ferlab.classifiers.schedule import batches_per_epoch
from ferlab.data.images import ImageSet
from ferlab.files import atomic_folder, write_json
from ferlab.params import CKPLUS, NONE, Arm, Augmentation, NetworkClassifier, with_values
from ferlab.stages.context import Context, Stage
from ferlab.synthesis.mix import again, nothing, with_fer_labels

PLAIN = Augmentation(rotation=0, translation=0, crop=1, flip=False)  # nothing is changed


def run(context: Context) -> None:
    train, ckplus, synthetic, images, tuned = context.inputs
    arms: dict[str, Arm] = context.section("arms")
    real = ImageSet.open(train)
    leaked = _copies_of_held_out(images)

    @cache
    def added(name: str) -> ImageSet:
        arm = arms[name]
        if arm.oversample_to:
            return again(real.take(kept(name)), added(arm.oversample_to).counts(), context.section("synthesis.seed"))
        if arm.synthetic == NONE:
            return nothing()
        source = ckplus if arm.synthetic == CKPLUS else synthetic / arm.synthetic
        return with_fer_labels(ImageSet.open(source), arm.labels)

    def kept(name: str) -> Any:
        return ~pd.Series(real.ids).isin(leaked if arms[name].drop_train_copies else []).to_numpy()

    plans: dict[str, Any] = {}
    with atomic_folder(context.outs[0]) as folder:
        for name in context.section("run.arms"):
            arm = arms[name]
            settings = _settings(context, arm, tuned)
            if not arm.augmentation:
                settings = settings.model_copy(update={"augmentation": PLAIN})
            pace = arm.match_steps_of or name
            plans[name] = arm.model_dump(mode="json") | {
                "settings": settings.model_dump(mode="json"),
                "tuned_by": _tuned_by(arm, tuned),
                "real_images": int(kept(name).sum()),
                "added_images": len(added(name)),
                "steps": _steps(settings, int(kept(pace).sum()) + len(added(pace))),
            }
            added(name).save(folder / name / "added")
            write_json(folder / name / "dropped.json", sorted(leaked) if arm.drop_train_copies else [])
            write_json(folder / name / "plan.json", plans[name])
            context.say(
                f"{name}: {plans[name]['real_images']} images + {len(added(name))} added, "
                f"{plans[name]['steps'] or 'no'} steps"
            )
    write_json(context.outs[1], plans)


def _copies_of_held_out(images: Path) -> list[str]:
    """Ids of training images of which valid or test holds an exact copy, as the audit found them."""
    table = pd.read_parquet(images, columns=["split", "id", "copy_in_held_out"])
    return list(table["id"][(table["split"] == "train") & table["copy_in_held_out"]])


def _settings(context: Context, arm: Arm, tuned: Path) -> Any:
    settings = context.section("classifiers")[arm.classifier]
    if not arm.tuned:
        return settings
    found = json.loads((tuned / f"{arm.classifier}.json").read_text())
    return with_values(settings, found["values"])


def _tuned_by(arm: Arm, tuned: Path) -> dict[str, Any] | None:
    """The study and trial that an arm's settings are from."""
    if not arm.tuned:
        return None
    found = json.loads((tuned / f"{arm.classifier}.json").read_text())
    return {key: found[key] for key in ("study", "trial", "identity")}


def _steps(settings: Any, images: int) -> int | None:
    """Updates for the setting's epochs over so many images; None for a classifier that makes none."""
    if not isinstance(settings, NetworkClassifier):
        return None
    return settings.epochs * batches_per_epoch(images, settings.batch_size)


STAGE = Stage(
    name="mix",
    run=run,
    keys=("arms", "classifiers", "run.arms", "synthesis.seed"),
    rooms=("data", "synthesis", "classifiers"),
    inputs=("work/prepared/train", "work/prepared/ckplus", "work/synthetic", "work/audit/images.parquet", "work/tuned"),
    outs=("work/arms", "reports/{budget}/arms.json"),
)
