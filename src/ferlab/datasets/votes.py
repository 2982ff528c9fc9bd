"""FER+'s table of votes, `fer2013new.csv`, and what the majority saw (Barsoum et al. 2016)."""

import csv
import zipfile
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferlab.data.labels import standard_name
from ferlab.datasets.archive import is_junk
from ferlab.datasets.fer2013 import SPLITS
from ferlab.datasets.fitting import EIGHT
from ferlab.datasets.members import MemberError, read_lines
from ferlab.datasets.tables import head
from ferlab.errors import UserError, printable

COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "nf")
"""The columns of votes; the last two are no expression: unknown, and not a face."""

LAYOUT = f"fer2013new.csv (with commas; its columns: Usage, Image name, {', '.join(COLUMNS)}) and fer2013.csv"

_USAGE, _NAME = "usage", "image name"
_MEND = "mend that line, or bring fer2013new.csv as its authors have it"
_SPLIT_OF = {usage.lower(): split for usage, split in SPLITS.items()}
_ORDER = [next(i for i, column in enumerate(COLUMNS) if standard_name(column) == name) for name in EIGHT]
_PLACE = np.argsort([*_ORDER, 8, 9])  # of each column in EIGHT; 8 and 9: in none


@dataclass(frozen=True)
class Votes:
    """A table of votes.

    Attributes:
        counts: int64 (N, 10) by COLUMNS. splits: N of `train`, `valid`, `test`. names: N names of pictures, "" for what
            is no face. lines: N numbers of lines in the file, from 1.
    """

    counts: NDArray[np.int64]
    splits: tuple[str, ...]
    names: tuple[str, ...]
    lines: tuple[int, ...]


def find_votes(archive: zipfile.ZipFile) -> str | None:
    """The table of votes in an archive, by its header."""
    for name in sorted(archive.namelist()):
        if name.lower().endswith(".csv") and not is_junk(name):
            header = head(archive, name).decode("utf-8-sig", errors="replace").split("\n")[0]
            if {_USAGE, *COLUMNS} <= {column.strip().lower() for column in header.split(",")}:
                return name
    return None


def read_votes(archive: zipfile.ZipFile, member: str, next_step: str) -> Votes:
    """Read a table of votes; its columns are found by their names, in any order.

    Raises:
        UserError: a column is there twice, or a row can't be read: each is one image's by its place, so none can be
            left out.
    """
    where = f"{archive.filename}: {member}"
    try:
        lines = read_lines(archive, member)
    except MemberError as error:
        raise UserError(f"{member} {error}", where=where, next_step=next_step) from None
    rows = csv.reader(lines)
    counts, splits, names, numbers = list[list[int]](), list[str](), list[str](), list[int]()
    try:
        header = [name.strip().lower() for name in next(rows)]
        column_of = {name: i for i, name in enumerate(header)}
        if twice := [name for name in (_USAGE, _NAME, *COLUMNS) if header.count(name) > 1]:
            raise ValueError(f"more than one column is called {' or '.join(twice)}")
        for row in rows:
            if row:
                counts.append([_count(row[column_of[name]]) for name in COLUMNS])
                splits.append(_split(row[column_of[_USAGE]].strip()))
                names.append(row[column_of[_NAME]].strip() if _NAME in column_of else "")
                numbers.append(rows.line_num)
    except IndexError:
        raise UserError(f"line {rows.line_num} has too few columns", where=where, next_step=_MEND) from None
    except (ValueError, csv.Error) as error:
        raise UserError(f"line {rows.line_num}: {error}", where=where, next_step=_MEND) from None
    table = np.array(counts, np.int64).reshape(-1, len(COLUMNS))
    return Votes(table, tuple(splits), tuple(names), tuple(numbers))


def majority(counts: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """What most people saw, by the rule of the authors' code: a single vote for something counts as none.

    Args:
        counts: int64 (N, 10), votes by COLUMNS.

    Returns:
        float32 (N, 8), the shares of EIGHT among the votes left for these (0 where there are none); and int64 (N,), the
        index into EIGHT of what has more than half of all votes left, -1 where there is none or it is no expression.
    """
    left, best, clear = _peaks(counts)
    labels = np.where(clear & (_PLACE[best] < len(EIGHT)), _PLACE[best], -1)
    shares = left[:, _ORDER] / np.maximum(left[:, _ORDER].sum(axis=1, keepdims=True), 1)
    return shares.astype(np.float32), labels.astype(np.int64)


def left_out(counts: NDArray[np.int64]) -> list[str]:
    """How many images have no label, and why."""
    _, best, clear = _peaks(counts)
    why = Counter({what: int((clear & (best == i)).sum()) for i, what in ((9, "not a face"), (8, "unknown"))})
    why["no majority"] = int((~clear).sum())
    said = ", ".join(f"{what} {n}" for what, n in why.items() if n)
    return [f"{why.total()} of {len(counts)} images are left out ({said})"] if said else []


def _peaks(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Votes without single ones, the column with most of each row, and whether it has more than half of them."""
    left = np.where(counts > 1, counts, 0)
    return left, left.argmax(axis=1), 2 * left.max(axis=1, initial=0) > left.sum(axis=1)


def _count(text: str) -> int:
    if not (text.strip().isdecimal() and len(text) < 6):
        raise ValueError(f"'{printable(text)}' is no number of votes")
    return int(text)


def _split(usage: str) -> str:
    if usage.lower() not in _SPLIT_OF:
        raise ValueError(f"'{printable(usage)}' is no usage ({', '.join(SPLITS)})")
    return _SPLIT_OF[usage.lower()]
