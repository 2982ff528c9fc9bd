"""mix: make each arm's plan, and the set of images that it adds to FER-2013's training split."""

import json
from pathlib import Path
from typing import Any

from ferlab.classifiers.schedule import batches_per_epoch
from ferlab.data.images import ImageSet
from ferlab.files import atomic_folder, write_json
from ferlab.params import NONE, Arm, NetworkClassifier, with_values
from ferlab.stages.context import Context, Stage
from ferlab.synthesis.mix import nothing, with_fer_labels


def run(context: Context) -> None:
    real_images, synthetic, tuned = context.inputs
    arms: dict[str, Arm] = context.section("arms")
    n_real = len(ImageSet.open(real_images))
    plans: dict[str, Any] = {}
    with atomic_folder(context.outs[0]) as folder:
        for name in context.section("run.arms"):
            arm = arms[name]
            added = _added(arm, synthetic)
            added.save(folder / name / "added")
            settings = _settings(context, arm, tuned)
            other = arms[arm.match_steps_of] if arm.match_steps_of else arm
            plans[name] = arm.model_dump(mode="json") | {
                "settings": settings.model_dump(mode="json"),
                "tuned_by": _tuned_by(arm, tuned),
                "real_images": n_real,
                "added_images": len(added),
                "steps": _steps(settings, n_real + len(_added(other, synthetic))),
            }
            write_json(folder / name / "plan.json", plans[name])
            context.say(f"{name}: {n_real} images + {len(added)} added, {plans[name]['steps'] or 'no'} steps")
    write_json(context.outs[1], plans)


def _added(arm: Arm, synthetic: Path) -> ImageSet:
    return nothing() if arm.synthetic == NONE else with_fer_labels(ImageSet.open(synthetic / arm.synthetic), arm.labels)


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
    keys=("arms", "classifiers", "run.arms"),
    rooms=("data", "synthesis", "classifiers"),
    inputs=("work/prepared/train", "work/synthetic", "work/tuned"),
    outs=("work/arms", "reports/{budget}/arms.json"),
)
