"""further: one more data set, whose images runs are tested on besides."""

from dataclasses import replace

from ferlab.data.splits import to_test_on
from ferlab.datasets.stored import read_stored
from ferlab.files import recover
from ferlab.stages.context import Context, Stage


def run(context: Context) -> None:
    name = context.arguments["set"]
    recover(context.project.data)
    reading = read_stored(context.project.data, context.section("data"), name)
    images = to_test_on(reading.sets)
    context.say(f"{reading.form}: {len(images)} images to test on")
    replace(images, split=name).save(context.out("images"))


STAGE = Stage(
    name="further",
    run=run,
    arguments=("set",),
    keys=("data",),
    rooms=("data", "datasets"),
    inputs={"data": "data"},
    outs={"images": "work/further/{set}"},
)
