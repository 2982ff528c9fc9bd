"""`ferlab predict`: what a trained run says of the faces in any pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli import complete

if TYPE_CHECKING:
    from ferlab.classifiers.base import Classifier
    from ferlab.params import Params
    from ferlab.project import Project
    from ferlab.records.run import RunRecord

LIMITS = (
    "note: an expression isn't an emotion: for research on classifiers, never for clinical, hiring or surveillance use "
    "(docs/guide/predict.md)"
)


def predict(
    context: typer.Context,
    images: Annotated[
        list[Path],
        typer.Argument(help="Pictures (PNG, JPEG, TIFF, BMP, GIF, WebP or PGM), or folders of them, with all below."),
    ],
    run: Annotated[
        str | None,
        typer.Option(
            "--run", help="A trained arm and its seed, e.g. resnet50-0 (work/runs/).", autocompletion=complete.run
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Search no faces: each picture is one, of one that isn't square its middle.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The run's own probabilities, not calibrated ones.")] = False,
) -> None:
    """Print the classes' probabilities for each face in each picture.

    A picture of a face's size (48x48 for FER-2013) is taken as a face. In any other, upright frontal faces are searched
    for, and each is cropped, resized and made grey or RGB, as the run knows faces. What a camera has turned is turned
    back first.
    Probabilities are calibrated where a report holds what the run says of the validation split.
    Pictures that can't be read are named after the answers to the others.
    """
    import sys

    from ferlab import params
    from ferlab.cli.answers import as_lines, as_object, read_pictures, say
    from ferlab.cli.calibrated import Confidence
    from ferlab.errors import UserError, printable
    from ferlab.project import Project

    project = Project.find()
    classifier, record = load(project, run)
    nothing = params.load(project.params).audit.near_constant_std
    confidence = Confidence.of(project, record, raw)
    side, channels = confidence.side, confidence.channels
    pictures, problems = read_pictures(images, side, channels, whole=whole, quiet=context.obj["quiet"])
    answers = say(classifier, pictures, confidence)
    for note in [note for answer in answers for note in answer.notes(nothing)]:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        typer.echo(as_object(answers, problems, record, confidence, nothing))
        print(f"note: {confidence}", file=sys.stderr)
    elif answers:
        for line in as_lines(answers, confidence.classes, nothing):
            typer.echo(line)
        typer.echo(f"{_standing(project, record)}; {confidence}")
    print(LIMITS, file=sys.stderr)
    if problems:
        raise UserError(
            "these can't be read as pictures:\n  " + "\n  ".join(f"{printable(path)}: {why}" for path, why in problems),
            next_step="check their names, convert them, or leave them out"
            + ("; the others are answered above" if answers else ""),
        )


def load(project: "Project", run: str | None) -> "tuple[Classifier, RunRecord]":
    """The classifier that a run has selected, and the run's record.

    Raises:
        UserError: there is no such run, or none was named; those that exist are.
    """
    from ferlab import params
    from ferlab.classifiers.catalogue import load_run
    from ferlab.errors import UserError
    from ferlab.records.run import FILE

    known = sorted(path.parent.name for path in (project.work / "runs").glob(f"*/{FILE}"))
    if run not in known:
        here = f"trained are: {', '.join(f'{name} ({_whose(project, name)})' for name in known)}; " if known else ""
        raise UserError(
            f"there is no trained run '{run}'" if run else "name the run that is to answer: --run",
            where=str(project.work / "runs"),
            next_step=f"{here}{_training(params.load(project.params), run)}; `ferlab train` keeps no weights",
        )
    return load_run(project.work / "runs" / run)


def _training(params: "Params", run: str | None) -> str:
    """What trains a run, if it is one of params.yaml's. An arm that needs no search and no GAN waits for none."""
    from ferlab.params.experiment import NONE

    planned = {f"{arm}-{seed}": arm for arm in params.run.arms for seed in params.run.seeds}
    if run is None or run not in planned:
        return "`dvc repro` trains params.yaml's arms"
    arm = params.arms[planned[run]]
    others = {arm.match_steps_of, arm.oversample_to} - {None, planned[run]}
    alone = arm.synthetic == NONE and not arm.tuned and not others
    stages = f"--single-item prepare audit code settings mix@{planned[run]} train@{run}" if alone else f"train@{run}"
    return f"`dvc repro {stages}` trains it"


def _whose(project: "Project", run: str) -> str:
    """Whether a run of work/runs/ was trained here, or fetched."""
    from ferlab import params
    from ferlab.records.ledger import read_ledger
    from ferlab.records.run import FILE, RunRecord
    from ferlab.report.whose import Whose

    identity = RunRecord.read(project.work / "runs" / run / FILE).identity
    folder = project.reports(params.load(project.params).budget)
    lines = [line for line in read_ledger(folder / "ledger.jsonl") if line.identity == identity]
    return Whose(project, folder).of(identity, lines[-1] if lines else None)


def _standing(project: "Project", record: "RunRecord") -> str:
    """What the answers of this run are worth."""
    from ferlab import params
    from ferlab.files import content_hash

    prepared, trained_on = project.work / "prepared" / "train", record.manifest["inputs"]["work/prepared/train"]
    if prepared.is_dir() and content_hash(prepared) == trained_on:
        kind = {"demo": "drawn", "real": "real"}[params.load(project.params).data.kind]
        faces = f"it learned from {kind} faces"
    else:
        faces = "it learned from OTHER faces than data/ now holds"
    whose = _whose(project, f"{record.arm}-{record.seed}")
    right = f"had {100 * record.valid_accuracy:.1f}% of its validation images right"
    return f"{record.arm}-{record.seed} {right}; {faces}; {whose}"
