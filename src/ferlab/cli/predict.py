"""`ferlab predict`: what a trained run says of any pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli import complete

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ferlab.classifiers.base import Classifier
    from ferlab.params import Params
    from ferlab.project import Project
    from ferlab.records.run import RunRecord


def predict(
    images: Annotated[
        list[Path], typer.Argument(help="Pictures of one face each, in PNG, JPEG, TIFF, BMP, GIF, WebP or PGM.")
    ],
    run: Annotated[
        str,
        typer.Option(
            "--run", help="A trained arm and its seed, e.g. resnet50-0 (work/runs/).", autocompletion=complete.run
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print seven probabilities for each picture.

    The networks know grey faces of 48x48 pixels that fill the picture: anything else is turned upright, made grey and
    resized to that (a picture that isn't square is squeezed), and a note says so. No face is searched for.
    Pictures that can't be read are named after the answers to the others.
    """
    import json
    import sys

    import numpy as np

    from ferlab import params
    from ferlab.data.labels import FER_CLASSES
    from ferlab.datasets.picture import PictureError, read_face
    from ferlab.errors import UserError, printable
    from ferlab.files import must_be_a_file
    from ferlab.project import Project

    project = Project.find()
    classifier, record = load(project, run)
    nothing = params.load(project.params).audit.near_constant_std
    faces: dict[str, NDArray[np.uint8]] = {}
    problems = list[str]()
    for path in images:
        name = printable(path)
        try:
            must_be_a_file(path)
            with path.open("rb") as handle:
                face, change = read_face(handle)
        except (OSError, PictureError, UserError) as error:
            problems.append(f"{name}: {_reason(error)}")
            continue
        faces[str(path)] = face
        if change:
            print(f"note: {name}: {change}", file=sys.stderr)
        if face.std() < nothing:
            print(f"note: {name}: shows nothing, all its pixels are alike: its answer means nothing", file=sys.stderr)
    rows = {}
    if faces:
        answers = classifier.predict_proba(np.stack(list(faces.values())))
        for path_text, row in zip(faces, answers, strict=True):
            rows[path_text] = {name: round(float(p), 4) for name, p in zip(FER_CLASSES, row, strict=True)}
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
    else:
        for path_text, chances in rows.items():
            best = max(chances, key=lambda name: chances[name])
            empty = " (shows nothing)" if faces[path_text].std() < nothing else ""
            typer.echo(f"{printable(path_text)}: {best}{empty}")
            typer.echo("  " + "  ".join(f"{name} {p:.4f}" for name, p in chances.items()))
        if rows:
            typer.echo(_standing(project, record))
    if problems:
        raise UserError(
            "these can't be read as pictures:\n  " + "\n  ".join(problems),
            next_step="check their names, convert them, or leave them out"
            + ("; the others are answered above" if rows else ""),
        )


def _reason(error: Exception) -> str:
    """Why a file can't be read as a picture, to follow its name."""
    from ferlab.errors import UserError

    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, UserError):
        return error.what
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def load(project: "Project", run: str) -> "tuple[Classifier, RunRecord]":
    """The classifier that a run has selected, and the run's record.

    Raises:
        UserError: there is no such run; those that exist are named.
    """
    from ferlab import params
    from ferlab.classifiers.catalogue import load_run
    from ferlab.errors import UserError
    from ferlab.records.run import FILE

    known = sorted(path.parent.name for path in (project.work / "runs").glob(f"*/{FILE}"))
    if run not in known:
        here = f"trained are: {', '.join(f'{name} ({_whose(project, name)})' for name in known)}; " if known else ""
        raise UserError(
            f"there is no trained run '{run}'",
            where=str(project.work / "runs"),
            next_step=f"{here}{_training(params.load(project.params), run)}; `ferlab train` keeps no weights",
        )
    return load_run(project.work / "runs" / run)


def _training(params: "Params", run: str) -> str:
    """What trains a run, if it is one of params.yaml's."""
    planned = {f"{arm}-{seed}" for arm in params.run.arms for seed in params.run.seeds}
    return f"`dvc repro train@{run}` trains it" if run in planned else "`dvc repro` trains params.yaml's arms"


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
