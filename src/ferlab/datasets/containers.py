"""data/: two container files, one a dataset, replaced together or not at all."""

import hashlib
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ferlab.data.colour import GREY
from ferlab.datasets import forms, gather, unpack
from ferlab.datasets.fer2013 import SPLITS
from ferlab.datasets.forms import CKPLUS, FER2013
from ferlab.datasets.gather import Container
from ferlab.datasets.reading import Problem, Reading
from ferlab.datasets.tables import write_table
from ferlab.errors import UserError
from ferlab.files import atomic_folder, sha256_file

DATASETS = (FER2013, CKPLUS)


@dataclass(frozen=True)
class Found:
    """A container that was read whole.

    Attributes:
        path: the zip to store: the user's own, or one of what they gave. Only what can be used is in it.
        shown: where it is from; form: how it was packed.
        counts: images by split and class; differences: how they differ from the published dataset's.
        content: a hash of its images, their labels and splits.
        lost: what can't be used, under --allow-partial.
        notices: what the form can't tell; skipped: files that were given too.
    """

    path: Path
    shown: str
    form: str
    counts: dict[str, dict[str, int]]
    differences: list[str]
    content: str
    lost: list[Problem]
    notices: list[str]
    skipped: list[str]


def examine(
    paths: Sequence[Path],
    allow_partial: bool,
    scratch: Path,
    say: Callable[[str], None] = lambda _: None,
    channels: int = GREY,
) -> dict[str, Found]:
    """Read whole what people give, in whatever form, and check the counts; nothing is changed outside `scratch`.

    Args:
        say: is told what is being done, for whoever waits.
        channels: of the study: 1 (grey) or 3 (RGB).

    Returns:
        What was found, by dataset (`fer2013`, `ckplus`).

    Raises:
        UserError: a path is absent, damaged or neither dataset, or a dataset is there twice; or something in it can't
            be used, or its counts differ from the published ones, and `allow_partial` is False.
    """
    found: dict[str, Found] = {}
    for path in paths:
        here = set[str]()  # found in this very path
        say(f"{path}: looking what is in it")
        containers = gather.gather(path, scratch)
        if not containers:
            raise UserError(
                "neither FER-2013 nor CK+48 is in here",
                where=str(path),
                next_step=forms.WANTED,
            )
        for container in containers:
            say(f"{container.shown}: reading every image")
            dataset, new = _read(container, allow_partial, scratch, channels)
            if dataset in here and new.content == found[dataset].content:
                found[dataset].notices.append(f"{new.shown} holds the same and isn't used")
                continue
            if dataset in found:
                raise UserError(
                    f"both {found[dataset].shown} and {new.shown} hold {dataset}",
                    where=str(path),
                    next_step="give one copy of FER-2013 and one of CK+48",
                )
            found[dataset] = new
            here.add(dataset)
    return found


def install(archives: dict[str, Path], folder: Path) -> dict[str, str]:
    """Put copies of both archives into `folder` in the place of what is there, all or nothing; other sets' stay.

    Returns:
        SHA-256 by dataset.
    """
    assert set(archives) == set(DATASETS)
    with atomic_folder(folder) as fresh:
        keep_others(folder, fresh, DATASETS)
        for dataset, path in archives.items():
            shutil.copyfile(path, fresh / f"{dataset}.zip")
    return {dataset: sha256_file(folder / f"{dataset}.zip") for dataset in DATASETS}


def install_own(name: str, archive: Path, folder: Path, without: Collection[str] = ()) -> str:
    """Put a copy of one more data set's archive into `folder`, all or nothing; others' stay but for those of `without`.

    Returns:
        Its SHA-256.
    """
    with atomic_folder(folder) as fresh:
        keep_others(folder, fresh, (name, *without))
        shutil.copyfile(archive, fresh / f"{name}.zip")
    return sha256_file(folder / f"{name}.zip")


def keep_others(folder: Path, fresh: Path, replaced: Collection[str]) -> None:
    """Copy the archives of `folder` into a fresh one, but for those of the data sets that are replaced."""
    for path in sorted(folder.glob("*.zip")):
        if path.stem not in replaced:
            shutil.copyfile(path, fresh / path.name)


def _read(container: Container, allow_partial: bool, scratch: Path, channels: int) -> tuple[str, Found]:
    reading = forms.read(container.path, allow_partial, container.shown, channels)
    _refuse_what_misleads(reading, container.shown)
    if reading.halved:
        differences = forms.differences_of_halves(reading.sets)
    else:
        differences = forms.differences(reading.dataset, reading.sets)
    if differences and not allow_partial:
        said = "\n  ".join([*differences, *reading.notices])
        raise UserError(
            f"{reading.form}: the counts are not the published ones:\n  {said}",
            where=container.shown,
            next_step="get the whole dataset, or accept this one as it is with --allow-partial",
        )
    path = container.path
    if reading.problems:  # store a container that can be read without a loss
        path = scratch / f"{reading.dataset}-whole.zip"
        if reading.members:
            unpack.pack_members(container.path, reading.members, path)
        else:
            usages = {split: usage for usage, split in SPLITS.items()}
            unpack.pack_text("fer2013.csv", write_table(reading.sets, usages), path)
    return reading.dataset, Found(
        path,
        container.shown,
        reading.form,
        counts={split: images.counts() for split, images in reading.sets.items()},
        differences=differences,
        content=_content(reading),
        lost=reading.problems,
        notices=reading.notices + container.notices,
        skipped=container.skipped,
    )


def _content(reading: Reading) -> str:
    digest = hashlib.sha256()
    for split, images in reading.sets.items():
        for part in (split.encode(), images.labels.tobytes(), np.ascontiguousarray(images.images).data):
            digest.update(part)
    return digest.hexdigest()


def _refuse_what_misleads(reading: Reading, where: str) -> None:
    """A set that no flag makes usable: wrong labels, or a class without images, which breaks trainings hours later."""
    if reading.doubt:
        classes = next(iter(reading.sets.values())).classes
        raise UserError(
            reading.doubt,
            where=where,
            next_step=f"name the classes' folders ({', '.join(classes)}), or give the challenge's own fer2013.csv",
        )
    absent = {split: [name for name, n in images.counts().items() if not n] for split, images in reading.sets.items()}
    if said := "; ".join(f"{split}: {', '.join(names)}" for split, names in absent.items() if names):
        first = next(iter(reading.problems), None)
        lost = f"; {len(reading.problems)} can't be used, as {first.where}: it {first.what}" if first else ""
        raise UserError(
            f"{reading.form}: classes without images, which can be neither learned nor measured ({said}){lost}",
            where=where,
            next_step="get the whole dataset",
        )
