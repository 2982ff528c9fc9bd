"""mix: make one arm's plan, what validates it, what it adds to FER-2013's training split, and names what it drops."""

from pathlib import Path

import pandas as pd

from ferlab.data.images import ImageSet
from ferlab.files import atomic_folder, write_json
from ferlab.params import CKPLUS, NONE
from ferlab.records.plan import PLAN_KEYS, ArmSummary, MethodCode, TunedSettings
from ferlab.stages.context import Context, Stage
from ferlab.synthesis.plan import Mixed, held_out, resolve

VALID = "valid"  # the folder of what validates, of all seeds


def run(context: Context) -> None:
    name = context.arguments["arm"]
    params = context.params
    arm = context.section("arms")[name]
    train = ImageSet.open(context.input("train"))
    table = pd.read_parquet(context.input("images"), columns=["split", "id", "copy_in_held_out"])
    leaked = list(table["id"][(table["split"] == "train") & table["copy_in_held_out"]])
    tuned = TunedSettings.read(context.input("tuned") / f"{arm.classifier}.json") if arm.tuned else None
    code = MethodCode.read(context.input("code") / f"{arm.classifier}.json")
    mixed: Mixed | None = None
    with atomic_folder(context.out("arm")) as folder:
        valid = held_out(arm, train, leaked) if arm.held_out else ImageSet.open(context.input("valid"))
        valid.save(folder / VALID)
        for seed in context.section("run.seeds"):
            source = context.input("source")
            if arm.synthetic not in (NONE, CKPLUS):
                source = source / str(params.run.draw_of(seed))
            mixed = resolve(
                params,
                name,
                seed,
                train=train,
                leaked=leaked,
                source=ImageSet.open(source),
                tuned=tuned,
                code=code.sha256,
            )
            keep(mixed, folder / str(seed))
    assert mixed
    plan = mixed.plan
    ArmSummary(
        arm=arm,
        settings=plan.settings.model_dump(mode="json"),
        tuned_by=tuned.tuned_by if tuned else None,
        real_images=plan.real_images,
        added_images=plan.added_images,
        steps=plan.steps,
    ).write(context.out("summary"))
    context.say(f"{plan.real_images} images + {plan.added_images} added, {plan.steps or 'no'} steps")


def keep(mixed: Mixed, folder: Path) -> None:
    """Write what a training reads into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mixed.added.save(folder / "added")
    write_json(folder / "dropped.json", mixed.dropped)
    mixed.plan.write(folder / "plan.json")


STAGE = Stage(
    name="mix",
    run=run,
    arguments=("arm",),
    keys=(),
    told_keys=PLAN_KEYS,
    rooms=("data", "synthesis", "classifiers"),
    inputs={
        "train": "work/prepared/train",
        "valid": "work/prepared/valid",
        "source": "work/sources/{source}",
        "images": "work/audit/images.parquet",
        "tuned": "work/tuned",
        "code": "work/code",
        "settings": "work/settings.json",
    },
    outs={"arm": "work/arms/{arm}", "summary": "reports/{budget}/arms/{arm}.json"},
)
