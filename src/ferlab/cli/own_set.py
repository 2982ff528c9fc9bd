"""`ferlab data add --as`: one more data set, of any form that ferlab reads."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ferlab.data.images import ImageSet
    from ferlab.datasets.reading import Reading
    from ferlab.params import Params
    from ferlab.params.data import Data
    from ferlab.project import Project

_SHOWN = 20  # differences


@dataclass(frozen=True)
class OwnSet:
    """What was typed of a set: options of `ferlab data add`."""

    form: str
    name: str | None
    classes: list[str] | None
    side: int | None
    channels: int | None
    use: str
    allow_partial: bool

    @property
    def typed(self) -> str:
        """The options, as they were typed."""
        given = {
            "as": self.form,
            "name": self.name,
            "side": self.side,
            "channels": self.channels,
            "classes": ",".join(self.classes or ()),
        }
        given |= {"for": self.use} if self.use != "both" else {}
        return " ".join(f"--{option} {value}" for option, value in given.items() if value)


def add_own(project: "Project", paths: Sequence[Path], own: OwnSet, quiet: bool) -> None:
    """Read the set whole, then put it into data/ and name it in params.yaml.

    Raises:
        UserError: it can't be read or used; nothing is changed then.
    """
    import tempfile

    from ferlab import params
    from ferlab.cli.progress import ShowSteps
    from ferlab.cli.tracked_data import changed, track
    from ferlab.datasets import forms
    from ferlab.datasets.containers import install_own
    from ferlab.datasets.whole import as_zip
    from ferlab.errors import UserError, printable
    from ferlab.files import sha256_file

    shown = ", ".join(map(str, paths))
    settings = params.load(project.params)
    _must_be_a_form(own.form)
    name = _name(own, paths[0])
    others = _others(settings.data, own, name)
    side = settings.data.side if own.side is None else own.side
    channels = settings.data.channels if own.channels is None else own.channels
    with tempfile.TemporaryDirectory(prefix="ferlab-") as scratch:
        with ShowSteps(quiet) as say:
            say(f"{shown}: reading every image")
            archive = as_zip(paths, Path(scratch))
            reading = forms.read_as(
                archive,
                own.form,
                side=side,
                classes=own.classes,
                channels=channels,
                allow_partial=own.allow_partial,
                shown=shown,
            )
        for empty in (folder for path in paths for folder in _empty(path)):
            typer.echo(f"  note: the folder {printable(empty)} is empty")
        images = _used(own.use, reading.sets)
        _tell(own.form, reading, side, channels)
        if absent := [label for label, n in images.counts().items() if not n]:
            raise UserError(
                f"there are no images of {', '.join(absent)} to use",
                where=shown,
                next_step="bring some, or leave the class out with --classes",
            )
        _must_share_a_class(own.use, images, settings)
        kept = {key: one.model_dump() for key, one in settings.data.sets.items()}
        entry = {"form": own.form, "sha256": sha256_file(archive), "classes": list(images.classes)}
        uses = {key: name for key in ("train", "gans") if own.use in (key, "both")}
        changes: dict[str, Any] = {
            "data": {"kind": "real", "sets": kept | {name: entry}, "side": side, "channels": channels, **others, **uses}
        }
        if own.use == "tests" and name not in settings.run.evaluate_on:
            changes["run"] = {"evaluate_on": [*settings.run.evaluate_on, name]}
        noted = changed(project, changes, own.typed)
        with ShowSteps(quiet) as say:
            say("copying it into data/")
            install_own(name, archive, project.data, [other for other in others if others[other] is None])
    typer.echo(f"{shown} -> data/{name}.zip")
    track(project, *noted)


def _empty(path: Path) -> list[str]:
    """The folders right below a path that hold no file."""
    below = sorted(path.iterdir()) if path.is_dir() else []
    return [one.name for one in below if one.is_dir() and not any(file.is_file() for file in one.rglob("*"))]


def remove_own(project: "Project", name: str) -> None:
    """Take a set out of data/ and params.yaml.

    Raises:
        UserError: there is none of this name, or something is read from it.
    """
    from ferlab import params
    from ferlab.cli.tracked_data import changed, track
    from ferlab.errors import UserError
    from ferlab.params.near import did_you_mean

    settings = params.load(project.params)
    sets = settings.data.sets
    if name not in sets:
        there = f"there are {', '.join(sets)}{did_you_mean(name, sets)}" if sets else "there is none"
        raise UserError(f"no data set is called '{name}'", where="params.yaml: data.sets", next_step=there)
    uses = {"data.train": [settings.data.train], "data.gans": [settings.data.gans]}
    uses["run.evaluate_on"] = settings.run.evaluate_on
    if used := [key for key, named in uses.items() if name in named]:
        raise UserError(
            f"'{name}' is in use", where=f"params.yaml: {', '.join(used)}", next_step="name another set there first"
        )
    kept = {key: one.model_dump() for key, one in sets.items() if key != name}
    noted = changed(project, {"data": {"sets": kept}})
    (project.data / f"{name}.zip").unlink(missing_ok=True)
    track(project, *noted)


def _used(use: str, sets: "Mapping[str, ImageSet]") -> "ImageSet":
    """The images of the set that its use needs."""
    from ferlab.data.splits import three_splits, to_learn_from, to_test_on

    if use == "tests":
        return to_test_on(sets)
    return to_learn_from(sets) if use == "gans" else three_splits(sets)["train"]


def _must_share_a_class(use: str, images: "ImageSet", settings: "Params") -> None:
    from ferlab.data.labels import classes_of
    from ferlab.errors import UserError

    known = classes_of(settings.data, settings.data.train)
    if use == "tests" and not set(images.classes) & set(known):
        raise UserError(
            f"none of its classes ({', '.join(images.classes)}) is one of those that runs know ({', '.join(known)})",
            where=images.split,
            next_step="call the folders as those classes are called, or name another set",
        )


def _must_be_a_form(name: str) -> None:
    """Refuse an unknown form before every image is read."""
    from ferlab.datasets.registry import named
    from ferlab.errors import UserError

    try:
        named(name)
    except UserError as error:
        raise UserError(error.what, where=f"--as {name}", next_step=error.next_step) from None


def _name(own: OwnSet, path: Path) -> str:
    from pydantic import TypeAdapter, ValidationError

    from ferlab.errors import UserError
    from ferlab.params.data import PAPERS_OWN
    from ferlab.params.section import Name

    name = own.name or re.sub("[^a-z0-9_]+", "_", path.name.lower().split(".")[0]).strip("_") or own.form
    if name in PAPERS_OWN and not own.name and own.form != "folder":  # FER+ beside its fer2013.csv
        name = own.form
    if name in PAPERS_OWN:
        raise UserError(
            f"'{name}' is the name of one of the paper's own sets",
            where=f"--name {own.name}" if own.name else str(path),
            next_step="choose another with --name; or leave --as out, and FER-2013 and CK+48 are read as they come",
        )
    try:
        TypeAdapter[str](Name).validate_python(name)
    except ValidationError:
        raise UserError(
            f"'{name}' can't be the name of a set",
            where=f"--name {own.name}" if own.name else str(path),
            next_step="choose one with --name: a small letter first, then small letters, digits, _ and -, 80 at most",
        ) from None
    return name


def _others(data: "Data", own: OwnSet, name: str) -> dict[str, str | None]:
    """What becomes of the paper's own sets: drawn ones go, since drawn and real faces are never mixed."""
    from ferlab.errors import UserError
    from ferlab.params.data import PAPERS_OWN

    if data.kind != "demo":
        return {}
    if own.use != "both":
        raise UserError(
            "data/ holds the demo's drawn faces, and drawn and real faces are never mixed",
            where=f"--for {own.use}",
            next_step=f"add `{name}` with --for both first, then another set for the other purpose",
        )
    return dict.fromkeys(PAPERS_OWN)


def _tell(form: str, reading: "Reading", side: int, channels: int) -> None:
    from ferlab.data.colour import NAMES
    from ferlab.datasets.reading import tally
    from ferlab.datasets.registry import named
    from ferlab.errors import printable

    typer.echo(f"{printable(reading.form)}, {NAMES[channels]}, {side}x{side} pixels")
    for split, images in reading.sets.items():
        counts = ", ".join(f"{printable(k)} {v}" for k, v in images.counts().items())
        typer.echo(f"  {split}: {len(images)} ({counts})")
    if named(form).published:
        different = named(form).differences(reading.sets)
        typer.echo(
            f"  {len(different)} counts differ from the published ones" if different else "  counts as published"
        )
        for one in different[:_SHOWN]:
            typer.echo(f"    {one}")
    for notice in reading.notices:
        typer.echo(f"  note: {printable(notice, 1000)}")
    if reading.problems:
        typer.echo(f"  lost: {len(reading.problems)} that can't be used: {tally(reading.problems)}")
