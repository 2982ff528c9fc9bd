"""prepare: from the two containers in data/ to sets of images."""

from ferlab.data.images import ImageSet, nothing
from ferlab.datasets import forms
from ferlab.datasets.forms import CKPLUS, FER2013
from ferlab.errors import UserError
from ferlab.files import recover, sha256_file, write_json
from ferlab.stages.context import Context, Stage

ADD = "`ferlab data add fer2013.zip ckplus48.zip` puts your own archives there, `ferlab data demo` the drawn faces"


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
    sets: dict[str, dict[str, ImageSet]] = {}
    for dataset in (FER2013, CKPLUS):
        path = context.project.data / f"{dataset}.zip"
        if not path.is_file():
            raise UserError(f"data/{path.name} is missing", where=str(context.project.data), next_step=ADD)
        actual = sha256_file(path)
        expected = getattr(settings, dataset)
        if actual != expected:
            raise UserError(
                f"data/{path.name} is not the file that params.yaml names: its SHA-256 is {actual}, "
                f"params.yaml says {expected}",
                where=f"params.yaml: data.{dataset}",
                next_step=f"if you meant to change the data: {ADD}, and notes the hash; else bring the file back "
                "(`dvc checkout data.dvc`)",
            )
        reading = forms.read(path)
        if reading.dataset != dataset:
            raise UserError(f"data/{path.name} holds {reading.form}", where=str(path), next_step=ADD)
        context.say(f"{reading.form}: " + ", ".join(f"{split} {len(s)}" for split, s in reading.sets.items()))
        for notice in reading.notices:
            context.say(notice)
        sets[dataset] = reading.sets
    for split, images in sets[FER2013].items():
        images.save(context.out(split))
    sets[CKPLUS]["all"].save(context.out("ckplus"))
    nothing().save(context.out("none"))
    write_json(context.out("untuned"), {})


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
