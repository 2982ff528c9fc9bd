"""prepare: from the containers in data/ to sets of images."""

from ferlab.data.images import nothing
from ferlab.data.splits import three_splits, to_learn_from
from ferlab.datasets import forms
from ferlab.datasets.fitting import fit
from ferlab.datasets.reading import Reading
from ferlab.errors import UserError
from ferlab.files import recover, sha256_file, write_json
from ferlab.params.data import PAPERS_OWN
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
    readings = {name: _read(context, name) for name in settings.used}
    splits = three_splits(readings[settings.train].sets)
    for split, images in splits.items():
        images.save(context.out(split))
    of_gans = splits if settings.gans == settings.train else readings[settings.gans].sets
    to_learn_from(of_gans).save(context.out("ckplus"))
    nothing(splits["train"].faces).save(context.out("none"))
    write_json(context.out("untuned"), {})


def _read(context: Context, name: str) -> Reading:
    """A data set whole, if data/ holds the archive of it that params.yaml names."""
    settings = context.section("data")
    path = context.project.data / f"{name}.zip"
    if not path.is_file():
        raise UserError(f"data/{path.name} is missing", where=str(context.project.data), next_step=ADD)
    actual, expected = sha256_file(path), settings.sha256(name)
    if actual != expected:
        raise UserError(
            f"data/{path.name} is not the file that params.yaml names: its SHA-256 is {actual}, "
            f"params.yaml says {expected}",
            where=f"params.yaml: data.{name}",
            next_step=f"if you meant to change the data: {ADD}, and notes the hash; else bring the file back "
            "(`dvc checkout data.dvc`)",
        )
    if name in PAPERS_OWN:
        reading = fit(forms.read(path), side=settings.side, classes=None, where=str(path))
        if reading.dataset != name:
            raise UserError(f"data/{path.name} holds {reading.form}", where=str(path), next_step=ADD)
    else:
        own = settings.sets[name]
        reading = forms.read_as(path, own.form, side=settings.side, classes=own.classes)
    context.say(f"{reading.form}: " + ", ".join(f"{split} {len(s)}" for split, s in reading.sets.items()))
    for notice in reading.notices:
        context.say(notice)
    return reading


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
