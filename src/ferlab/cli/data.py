"""`ferlab data`: the two datasets."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli.data_show import show

OTHERS = "if these are other faces than FER-2013's and CK+'s, say how they are laid out: --as folder (data_sets.md)"

if TYPE_CHECKING:
    from ferlab.datasets.containers import Found

app = typer.Typer(help="Put faces into data/, and see what is there.", no_args_is_help=True)


_OF_THE_PAPER = {"train": "fer2013", "gans": "ckplus", "side": 48}


class Channels(StrEnum):
    GREY = "1"
    RGB = "3"


class Use(StrEnum):
    TRAIN = "train"
    GANS = "gans"
    BOTH = "both"
    TESTS = "tests"


@app.command()
def add(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(help="FER-2013 and CK+48 as you have them: folders, CSV, zip, tar, one in another; any order."),
    ],
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Leave out what can't be read, and accept other counts.")
    ] = False,
    form: Annotated[
        str | None,
        typer.Option("--as", help="Read one archive or folder as this form: folder, rafdb, ferplus, … (data_sets.md)."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="With --as: what to call the set.")] = None,
    classes: Annotated[
        str | None, typer.Option("--classes", help="With --as: the classes to read, in order, e.g. calm,cross.")
    ] = None,
    side: Annotated[
        int | None, typer.Option("--side", min=16, max=512, help="With --as: pixels; all images are resized to it.")
    ] = None,
    channels: Annotated[
        Channels | None,
        typer.Option("--channels", help="With --as: 1 makes all images grey, 3 RGB; the study's other sets too."),
    ] = None,
    use: Annotated[
        Use, typer.Option("--for", help="With --as: what it is for: classifiers, GANs, both, or tests alone.")
    ] = Use.BOTH,
) -> None:
    """Check all of your own faces, then put them into data/ in place of what is there."""
    import tempfile

    from ferlab import params
    from ferlab.cli.own_set import OwnSet, add_own
    from ferlab.cli.progress import ShowSteps
    from ferlab.cli.tracked_data import changed, there, track
    from ferlab.datasets.containers import DATASETS, examine, install
    from ferlab.errors import UserError, printable
    from ferlab.execution.locks import exclusive
    from ferlab.files import recover, sha256_file
    from ferlab.project import Project

    project = Project.find()
    if form is None and (name or classes or side or channels):
        options = "--name, --classes, --side and --channels"
        raise UserError(f"{options} are for a set that --as names", next_step="add --as folder")
    if form is not None:
        kind = int(channels) if channels else None
        own = OwnSet(form, name, classes.split(",") if classes else None, side, kind, use, allow_partial)
        with exclusive(project, "data"):
            recover(project.data)
            add_own(project, paths, own, context.obj["quiet"])
        return
    with exclusive(project, "data"), tempfile.TemporaryDirectory(prefix="ferlab-") as scratch:
        recover(project.data)
        before = params.load(project.params).data
        with ShowSteps(context.obj["quiet"]) as say:
            try:
                found = examine(paths, allow_partial, Path(scratch), say, before.channels)
            except UserError as error:
                raise UserError(error.what, where=error.where, next_step=error.next_step or OTHERS) from None
        for what in found.values():
            _describe(what)
        sources = {dataset: what.path for dataset, what in found.items()}
        for dataset in DATASETS:
            if dataset not in sources:
                kept = project.data / f"{dataset}.zip"
                if before.kind == "demo" or not kept.is_file():
                    raise UserError(
                        f"{dataset} is missing too: drawn and real faces are never mixed",
                        where=str(project.data),
                        next_step="give both: ferlab data add fer2013.zip ckplus48.zip",
                    )
                sources[dataset] = kept
        hashes = {dataset: sha256_file(path) for dataset, path in sources.items()}
        if hashes == there(project):
            typer.echo("data/ holds these very archives already; nothing is copied")
        else:
            with ShowSteps(context.obj["quiet"]) as say:
                say("copying both archives into data/")
                hashes = install(sources, project.data)
            for dataset, what in found.items():
                typer.echo(f"{printable(what.shown)} -> data/{dataset}.zip")
        track(project, *changed(project, {"data": _OF_THE_PAPER | {"kind": "real"} | hashes}))


@app.command()
def demo(
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing if data/ holds files.")] = False,
) -> None:
    """Draw the demo's faces into data/: the same bytes on every machine."""
    from ferlab import params
    from ferlab.cli.tracked_data import changed, track
    from ferlab.datasets.containers import DATASETS, keep_others
    from ferlab.datasets.demo import write_demo
    from ferlab.errors import UserError
    from ferlab.execution.locks import exclusive
    from ferlab.files import atomic_folder, recover, sha256_file
    from ferlab.project import Project

    project = Project.find()
    with exclusive(project, "data"):
        recover(project.data)
        if if_missing:
            if project.data.is_dir() and any(project.data.iterdir()):
                return
            if params.load(project.params).data.kind == "real":
                raise UserError(
                    "params.yaml asks for real faces and data/ is empty",
                    where="params.yaml: data",
                    next_step="`ferlab data add fer2013.zip ckplus48.zip` with your archives of FER-2013 (folders "
                    "or fer2013.csv) and CK+48; or `ferlab data demo` for the drawn ones",
                )
        with atomic_folder(project.data) as folder:
            keep_others(project.data, folder, DATASETS)
            write_demo(folder)
            hashes = {dataset: sha256_file(folder / f"{dataset}.zip") for dataset in DATASETS}
        track(
            project, *changed(project, {"data": _OF_THE_PAPER | {"kind": "demo"} | hashes, "run": {"evaluate_on": []}})
        )


@app.command()
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="One of `data.sets`; nothing may be read from it any more.")],
) -> None:
    """Take a data set out of data/ and params.yaml. DVC's cache keeps what it held."""
    from ferlab.cli.own_set import remove_own
    from ferlab.execution.locks import exclusive
    from ferlab.project import Project

    project = Project.find()
    with exclusive(project, "data"):
        remove_own(project, name)


app.command()(show)


@app.command()
def audit(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print the audit that the pipeline made: counts, duplicates, copies across splits."""
    from ferlab import params
    from ferlab.errors import UserError
    from ferlab.project import Project

    project = Project.find()
    settings = params.load(project.params)
    path = project.reports(settings.budget) / "audit.json"
    if not path.is_file():
        raise UserError("there is no audit yet", where=str(path), next_step="`dvc repro audit` makes it")
    found = json.loads(path.read_text())
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    fer2013, ckplus = found["fer2013"], found["ckplus"]
    typer.echo(f"audit of {found['data']['kind']} faces, made for reports/{settings.budget}/")
    if found["data"]["kind"] != settings.data.kind:
        typer.echo(f"data/ now holds {settings.data.kind} faces: `dvc repro audit` counts those")
    for split, counts in fer2013["images"].items():
        typer.echo(f"{split}: {sum(counts.values())} images, {fer2013['constant'][split]} constant")
    for kind, name in (("duplicates", "exact duplicates"), ("near_duplicates", "near duplicates")):
        if kind in fer2013:
            typer.echo(f"{name}: " + ", ".join(f"{v} {k.replace('_', ' ')}" for k, v in fer2013[kind].items()))
    for one in fer2013.get("conflicts", []):
        typer.echo(f"  {one['groups']} group{'s' * (one['groups'] > 1)} labelled {' and '.join(one['labels'])}")
    for name, counts in fer2013["copies"].items():
        typer.echo(f"{name.replace('_', ' ')}: " + ", ".join(f"{k} {v}" for k, v in counts.items()))
    of = f"{sum(ckplus['sequences'].values())} sequences, {ckplus['subjects']} subjects"
    typer.echo(f"CK+: {sum(ckplus['images'].values())} images of {of if ckplus['subjects'] else 'unknown subjects'}")
    for difference in found.get("differences", []):
        typer.echo(f"not the published count: {difference}")


def _describe(what: "Found") -> None:
    """What was found, what it can't tell, what was skipped and what is lost."""
    from ferlab.datasets.reading import tally
    from ferlab.errors import printable

    typer.echo(f"{printable(what.shown)}: {printable(what.form)}")
    for split, counts in what.counts.items():
        typer.echo(f"  {split}: {sum(counts.values())} ({', '.join(f'{k} {v}' for k, v in counts.items())})")
    typer.echo("  counts as published" if not what.differences else f"  {len(what.differences)} counts differ")
    for notice in what.notices:
        typer.echo(f"  note: {printable(notice, 1000)}")
    if what.skipped:
        some = ", ".join(map(printable, what.skipped[:3])) + (", …" if len(what.skipped) > 3 else "")
        typer.echo(f"  skipped: {len(what.skipped)} other file{'s' * (len(what.skipped) > 1)} ({some})")
    if what.lost:
        typer.echo(f"  lost: {len(what.lost)} that can't be used: {tally(what.lost)}")
