"""prepare: from the containers in data/ to sets of images."""

from ferlab.data.images import nothing
from ferlab.data.splits import three_splits, to_learn_from
from ferlab.datasets.reading import Reading, tally
from ferlab.datasets.stored import read_stored
from ferlab.errors import UserError
from ferlab.files import recover, write_json
from ferlab.stages.context import Context, Stage


def run(context: Context) -> None:
    settings = context.section("data")
    if settings.kind == "demo" and not settings.allow_demo:
        raise UserError(
            f"the budget '{context.params.budget}' is meant for real faces, and data/ holds the demo's drawn ones",
            where="params.yaml: data",
            next_step="`ferlab data add fer2013.zip ckplus48.zip` with FER-2013 (folders or fer2013.csv) and "
            "CK+48; or `ferlab budget use demo`",
        )
    recover(context.project.data)
    readings = {name: read_stored(context.project.data, settings, name) for name in settings.used}
    for reading in readings.values():
        tell(context, reading)
    splits = three_splits(readings[settings.train].sets)
    for split, images in splits.items():
        images.save(context.out(split))
    of_gans = splits if settings.gans == settings.train else readings[settings.gans].sets
    to_learn_from(of_gans).save(context.out("ckplus"))
    nothing(splits["train"].faces).save(context.out("none"))
    write_json(context.out("untuned"), {})


def tell(context: Context, reading: Reading) -> None:
    """Say what was read."""
    context.say(f"{reading.form}: " + ", ".join(f"{split} {len(s)}" for split, s in reading.sets.items()))
    lost = [f"lost: {tally(reading.problems)}"] if reading.problems else []
    for notice in reading.notices + lost:
        context.say(notice)


STAGE = Stage(
    name="prepare",
    run=run,
    keys=("data",),
    rooms=("data", "datasets"),
    inputs={"data": "data"},
    outs={
        "train": "work/prepared/train",
        "valid": "work/prepared/valid",
        "test": "work/prepared/test",
        "ckplus": "work/sources/ckplus",
        "none": "work/sources/none",  # what an arm adds that adds nothing
        "untuned": "work/tuned/none.json",  # what is found where nothing is searched
    },
)
