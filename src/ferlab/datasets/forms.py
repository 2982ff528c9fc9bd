"""One way in for every form in which a container holds one of the two datasets."""

import re
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

from ferlab.data.images import ImageSet
from ferlab.datasets import ckplus, fer2013
from ferlab.datasets.archive import is_junk, open_archive, picture_members
from ferlab.datasets.counts import PUBLISHED
from ferlab.datasets.reading import Reading, refuse
from ferlab.datasets.tables import LONGEST_LINE, head, is_table
from ferlab.errors import UserError

FER2013, CKPLUS = fer2013.DATASET, ckplus.DATASET
WANTED = "FER-2013: <split>/<class>/Training_*.jpg … or fer2013.csv; CK+48: <class>/Sxxx_yyy_zzzzzzzz.png"
COST = {
    "train": "nothing can be trained",
    "valid": "no epoch can be picked",
    "test": "no accuracy can be measured that compares with a published one",
}
Reader = Callable[[zipfile.ZipFile], Reading]


def recognise(archive: zipfile.ZipFile) -> Reader | None:
    """How an archive is read, judged by the names in it and the first lines of its tables; None if it is neither."""
    pictures = picture_members(archive)
    if any(ckplus.is_member(member) for member in pictures):
        return ckplus.read_folders
    if any(fer2013.is_member(member) for member in pictures):
        return fer2013.read_folders
    for member in archive.namelist():
        if member.lower().endswith(".csv") and not is_junk(member) and is_table(head(archive, member)):
            return partial(ckplus.read_csv if _is_ckplus(archive, member) else fer2013.read_csv, member=member)
    return None


def read(path: Path, allow_partial: bool = False, shown: str = "") -> Reading:
    """Recognise and read one container.

    Args:
        path: a zip archive.
        allow_partial: read on where pictures or rows can't be used; they are among the reading's problems.
        shown: the name for messages, where `path` is only a temporary copy.

    Raises:
        UserError: absent, not a zip, cut off, neither dataset, a split without images, or a picture or row that can't
            be used, unless `allow_partial`.
    """
    where = shown or str(path)
    with open_archive(path) as archive:
        reader = recognise(archive)
        reading = reader(archive) if reader else None
    missing = [split for split, images in reading.sets.items() if not len(images)] if reading else []
    if reading and (not allow_partial or len(missing) == len(reading.sets)):
        refuse(reading.problems, where, partial=not missing)
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


def differences(dataset: str, sets: Mapping[str, ImageSet]) -> list[str]:
    """How the counts differ from the published dataset's: one line a split and class, empty if they agree."""
    published = PUBLISHED if dataset == FER2013 else {"all": ckplus.PUBLISHED}
    return [
        f"{split}/{name}: {found} images, published {expected}"
        for split, images in sets.items()
        for (name, found), expected in zip(images.counts().items(), published[split], strict=True)
        if found != expected
    ]


def differences_of_halves(sets: Mapping[str, ImageSet]) -> list[str]:
    """The same for a FER-2013 whose validation and test images can't be told apart: these two are counted together."""
    both = {name: n + sets["test"].counts()[name] for name, n in sets["valid"].counts().items()}
    expected = [v + t for v, t in zip(PUBLISHED["valid"], PUBLISHED["test"], strict=True)]
    return differences(FER2013, {"train": sets["train"]}) + [
        f"valid and test/{name}: {found} images, published {n}"
        for (name, found), n in zip(both.items(), expected, strict=True)
        if found != n
    ]


def _is_ckplus(archive: zipfile.ZipFile, member: str) -> bool:
    """Whether a table is CK+'s, which has the columns of FER-2013's: by its name, or by its number of rows."""
    if re.search(r"(^|[^a-z])ck(\+|plus|ext|48|[^a-z]|$)", Path(member).stem.lower()):
        return True
    with archive.open(member) as raw:
        lines = islice(
            iter(partial(raw.readline, LONGEST_LINE), b""), max(ckplus.TABLE_ROWS) + 2
        )  # the header, and one row more than CK+ has
        rows = sum(1 for line in lines if line.strip()) - 1
    return rows in ckplus.TABLE_ROWS
