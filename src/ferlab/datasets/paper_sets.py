"""The two data sets of the paper: which of them an archive holds, and in which of its forms."""

import re
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from ferlab.data.colour import GREY
from ferlab.datasets import ckplus, fer2013
from ferlab.datasets.archive import is_junk, picture_members
from ferlab.datasets.fitting import fit
from ferlab.datasets.reading import Reading
from ferlab.datasets.tables import LONGEST_LINE, head, is_table

Reader = Callable[[zipfile.ZipFile], Reading]


def find(archive: zipfile.ZipFile, channels: int = GREY) -> tuple[str, Reader] | None:
    """The data set and how it is read, judged by the names in it and the first lines of its tables; None if neither.

    Args:
        channels: of pictures that are read, 1 (grey) or 3 (RGB); tables hold grey ones.
    """
    pictures = picture_members(archive)
    if any(ckplus.is_member(member) for member in pictures):
        return ckplus.DATASET, partial(ckplus.read_folders, channels=channels)
    if any(fer2013.is_member(member) for member in pictures):
        return fer2013.DATASET, partial(fer2013.read_folders, channels=channels)
    for member in archive.namelist():
        if member.lower().endswith(".csv") and not is_junk(member) and is_table(head(archive, member)):
            if _is_ckplus(archive, member):
                return ckplus.DATASET, partial(ckplus.read_csv, member=member)
            return fer2013.DATASET, partial(fer2013.read_csv, member=member)
    return None


def recognise(dataset: str, archive: zipfile.ZipFile) -> bool:
    """Whether an archive holds one of the two."""
    found = find(archive)
    return found is not None and found[0] == dataset


def read(
    dataset: str, archive: zipfile.ZipFile, *, side: int, classes: Sequence[str] | None, channels: int = GREY
) -> Reading:
    """Read one of the two; its images are scaled and its classes chosen after that, where that is asked for."""
    found = find(archive, channels)
    assert found is not None and found[0] == dataset, "ask `recognise` first"
    return fit(found[1](archive), side=side, classes=classes, where=str(archive.filename), channels=channels)


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
