"""One way in for every data set that can be read: FER-2013 and CK+48 as they come, others by their names."""

import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ferlab.data.colour import GREY
from ferlab.data.images import SIDE, ImageSet
from ferlab.datasets import ckplus, fer2013, paper_sets, registry
from ferlab.datasets.archive import open_archive
from ferlab.datasets.counts import PUBLISHED
from ferlab.datasets.fitting import in_channels
from ferlab.datasets.members import MOST_FILES
from ferlab.datasets.paper_sets import Reader
from ferlab.datasets.reading import Reading, refuse
from ferlab.errors import UserError

FER2013, CKPLUS = fer2013.DATASET, ckplus.DATASET
WANTED = (
    "FER-2013: <split>/<class>/Training_*.jpg … or fer2013.csv; CK+48: <class>/Sxxx_yyy_zzzzzzzz.png; "
    "other data sets: --as folder, rafdb, …"
)
COST = {
    "train": "nothing can be trained",
    "valid": "no epoch can be picked",
    "test": "no accuracy can be measured that compares with a published one",
}


def recognise(archive: zipfile.ZipFile, channels: int = GREY) -> Reader | None:
    """How an archive is read that nobody named, judged by its names and its tables' first lines; None if unknown."""
    if found := paper_sets.find(archive, channels):
        return found[1]
    others = (form for form in registry.rows() if not form.asked_for and form.name not in (FER2013, CKPLUS))
    form = next((form for form in others if form.recognise(archive)), None)
    return partial(form.read, side=SIDE, classes=None, channels=channels) if form else None


def read(path: Path, allow_partial: bool = False, shown: str = "", channels: int = GREY) -> Reading:
    """Recognise and read one container.

    Args:
        path: a zip archive.
        allow_partial: read on where pictures or rows can't be used; they are among the reading's problems.
        shown: the name for messages, where `path` is only a temporary copy.
        channels: 1 (grey) or 3 (RGB).

    Raises:
        UserError: absent, not a zip, cut off, neither dataset, a split without images, or a picture or row that can't
            be used, unless `allow_partial`.
    """
    where = shown or str(path)
    with open_archive(path) as archive:
        reader = recognise(archive, channels)
        reading = in_channels(reader(archive), channels) if reader else None
    missing = [split for split, images in reading.sets.items() if not len(images)] if reading else []
    if reading and (not allow_partial or len(missing) == len(reading.sets)):
        lacks = any(n == 0 for images in reading.sets.values() for n in images.counts().values())
        refuse(reading.problems, where, partial=not lacks and not reading.doubt)
    if reading is None or len(missing) == len(reading.sets):
        raise UserError("this is neither FER-2013 nor CK+48", where=where, next_step=WANTED)
    if missing:
        raise UserError(
            f"{reading.form}: no images of the split{'s' * (len(missing) > 1)} {' and '.join(missing)}, without which "
            + " and ".join(COST[split] for split in missing),
            where=where,
            next_step="get the whole dataset: Training, PublicTest (valid) and PrivateTest (test)",
        )
    return reading


def read_as(
    path: Path,
    name: str,
    *,
    side: int,
    classes: Sequence[str] | None = None,
    channels: int = GREY,
    allow_partial: bool = False,
    shown: str = "",
) -> Reading:
    """Read one container as the data set that somebody says it is.

    Args:
        path: a zip archive.
        name: of a form in the registry, e.g. `rafdb`.
        side: pixels of the images.
        classes: those to read, in their order; None for all.
        channels: 1 (grey) or 3 (RGB).
        allow_partial, shown: as of `read`.

    Raises:
        UserError: absent, not a zip, cut off, not of that form, a class is unknown, or a picture or row can't be used,
            unless `allow_partial`.
    """
    form, where = registry.named(name), shown or str(path)
    with open_archive(path, where, MOST_FILES) as archive:
        if not form.recognise(archive):
            raise UserError(f"this is not {form.title}", where=where, next_step=f"its layout is {form.layout}")
        try:
            reading = form.read(archive, side=side, classes=classes, channels=channels)
        except UserError as error:  # readers know the archive by its path, which nobody else may know
            place = error.where.replace(str(path), where)
            raise UserError(error.what, where=place, next_step=error.next_step) from None
    if not allow_partial:
        refuse(reading.problems, where)
    return reading


def differences(dataset: str, sets: Mapping[str, ImageSet]) -> list[str]:
    """How the counts differ from the published dataset's: one line a split and class, empty if they agree."""
    return registry.named(dataset).differences(sets)


def differences_of_halves(sets: Mapping[str, ImageSet]) -> list[str]:
    """The same for a FER-2013 whose validation and test images can't be told apart: these two are counted together."""
    both = {name: n + sets["test"].counts()[name] for name, n in sets["valid"].counts().items()}
    expected = [v + t for v, t in zip(PUBLISHED["valid"], PUBLISHED["test"], strict=True)]
    return differences(FER2013, {"train": sets["train"]}) + [
        f"valid and test/{name}: {found} images, published {n}"
        for (name, found), n in zip(both.items(), expected, strict=True)
        if found != n
    ]
