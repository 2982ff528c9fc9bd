"""FER+ (Barsoum et al. 2016): ten people's votes on each image of FER-2013, laid on fer2013.csv row by row."""

import csv
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import ImageSet
from ferlab.data.labels import standard_name, translate
from ferlab.datasets import fer2013
from ferlab.datasets.archive import is_junk, picture_members
from ferlab.datasets.fitting import EIGHT, fit
from ferlab.datasets.members import MemberError, read_lines
from ferlab.datasets.reading import Reading, refuse
from ferlab.datasets.tables import head, is_table
from ferlab.errors import UserError, printable

NAME = "ferplus"
COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "nf")
"""The columns of votes in fer2013new.csv; the last two are no expression: unknown, and not a face."""

LEAST_AGREEMENT = 0.4  # of majorities with FER-2013's own labels; rows of another order agree in a fifth
_FEWEST = 100  # images, of which an agreement says something
_GIVE = (
    "give fer2013new.csv and fer2013.csv in one zip; folders of pictures have lost the order of fer2013.csv's rows, so "
    "nobody can lay votes on them"
)
_ORDER = [next(i for i, column in enumerate(COLUMNS) if standard_name(column) == name) for name in EIGHT]
_PLACE = np.argsort([*_ORDER, 8, 9])  # of each column in EIGHT; 8 and 9: in none


@dataclass(frozen=True)
class Votes:
    """A table of votes: counts int64 (N, 10) by COLUMNS, usages N names, lines N numbers in the file from 1."""

    counts: NDArray[np.int64]
    usages: tuple[str, ...]
    lines: tuple[int, ...]


def recognise(archive: zipfile.ZipFile) -> bool:
    """Whether a table of votes is in here."""
    return _tables(archive)[0] is not None


def read(archive: zipfile.ZipFile, *, side: int, classes: Sequence[str] | None) -> Reading:
    """Read `fer2013new.csv` and `fer2013.csv`: row i of one is row i of the other, whatever the images are called.

    The label is the majority's, by the rule of the authors' code: a single vote for something counts as none, and more
    than half of the votes left must be for one. Images without such a majority, and those whose majority is `unknown`
    or `NF` (not a face), are left out and counted.

    Args:
        side: pixels. classes: those to read, in their order; None for FER-2013's seven and contempt.

    Returns:
        `train`, `valid` and `test`; `votes` are the shares of the classes among the votes left for them.

    Raises:
        UserError: a table is missing or can't be read, or the two are not of the same images.
    """
    where = str(archive.filename)
    votes_in, images_in = _tables(archive)
    assert votes_in is not None, "ask `recognise` first"
    if images_in is None:
        found = "pictures but " if picture_members(archive) else ""
        raise UserError(f"{votes_in} lies here with {found}no fer2013.csv", where=where, next_step=_GIVE)
    votes = read_votes(archive, votes_in)
    reading = fer2013.read_csv(archive, images_in)
    refuse(reading.problems, where, partial=False)
    rows = {split: np.array([int(i.rpartition("_")[2]) for i in s.ids], np.int64) for split, s in reading.sets.items()}
    _check_rows(votes, rows, f"{where}: {votes_in}")
    shares, labels = majority(votes.counts)
    if not reading.doubt:
        _check_labels(reading, rows, labels, f"{where}: {votes_in}")
    sets, soft = dict[str, ImageSet](), dict[str, NDArray[np.float32]]()
    for split, images in reading.sets.items():
        kept = labels[rows[split]] >= 0
        some = images.take(kept)
        origins, label = (NAME,) * len(some), labels[rows[split]][kept]
        if len(some):
            sets[split] = ImageSet(some.images, label, EIGHT, some.ids, some.subjects, origins, split)
            soft[split] = shares[rows[split]][kept]
    if not sets:
        raise UserError("no image has a majority for an expression", where=f"{where}: {votes_in}", next_step=_GIVE)
    notices = [*reading.notices, *_told(votes.counts, labels)]
    return fit(Reading(NAME, "FER+", sets, [], notices, votes=soft), side=side, classes=classes, where=where)


def majority(counts: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """What most people saw.

    Args:
        counts: int64 (N, 10), votes by COLUMNS.

    Returns:
        float32 (N, 8), the shares of EIGHT among the votes for them, without single votes (0 where there are none); and
        int64 (N,), the majority's index into EIGHT, -1 where there is none or it is no expression.
    """
    left, best, clear = _peaks(counts)
    labels = np.where(clear & (_PLACE[best] < len(EIGHT)), _PLACE[best], -1)
    shares = left[:, _ORDER] / np.maximum(left[:, _ORDER].sum(axis=1, keepdims=True), 1)
    return shares.astype(np.float32), labels.astype(np.int64)


def _peaks(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Votes without single ones, the column with most of each row, and whether it has more than half of them."""
    left = np.where(counts > 1, counts, 0)
    return left, left.argmax(axis=1), 2 * left.max(axis=1, initial=0) > left.sum(axis=1)


def read_votes(archive: zipfile.ZipFile, member: str) -> Votes:
    """Read a table of votes; its columns are found by their names, in any order.

    Raises:
        UserError: a row can't be read: the rows count, so none can be left out.
    """
    where = f"{archive.filename}: {member}"
    try:
        lines = read_lines(archive, member)
    except MemberError as error:
        raise UserError(f"{member} {error}", where=where, next_step=_GIVE) from None
    rows = csv.reader(lines)
    counts, usages, numbers = list[list[int]](), list[str](), list[int]()
    try:
        column_of = {name.strip().lower(): i for i, name in enumerate(next(rows))}
        for row in rows:
            if row:
                counts.append([_count(row[column_of[name]]) for name in COLUMNS])
                usages.append(row[column_of["usage"]].strip())
                numbers.append(rows.line_num)
    except (ValueError, IndexError, csv.Error) as error:
        raise UserError(f"line {rows.line_num} can't be read: {error}", where=where, next_step=_GIVE) from None
    return Votes(np.array(counts, np.int64).reshape(-1, len(COLUMNS)), tuple(usages), tuple(numbers))


def _count(text: str) -> int:
    if not (text.strip().isdecimal() and len(text) < 6):
        raise ValueError(f"'{printable(text)}' is no number of votes")
    return int(text)


def _tables(archive: zipfile.ZipFile) -> tuple[str | None, str | None]:
    """The table of votes, and the one of images."""
    votes, images = None, None
    for name in sorted(archive.namelist()):
        if name.lower().endswith(".csv") and not is_junk(name):
            start = head(archive, name)
            columns = {
                column.strip().lower() for column in start.decode("utf-8-sig", "replace").split("\n")[0].split(",")
            }
            votes = votes or (name if {"usage", *COLUMNS} <= columns else None)
            images = images or (name if is_table(start) else None)
    return votes, images


def _check_rows(votes: Votes, rows: dict[str, NDArray[np.int64]], where: str) -> None:
    """That both tables have as many rows, and each the same usage in both."""
    n = sum(map(len, rows.values()))
    if n != len(votes.usages):
        raise UserError(f"{len(votes.usages)} rows of votes, but {n} images", where=where, next_step=_GIVE)
    split_of = np.empty(n, dtype=object)
    for split, numbers in rows.items():
        split_of[numbers] = split
    by_usage = {usage.lower(): split for usage, split in fer2013.SPLITS.items()}
    for i, usage in enumerate(votes.usages):
        if by_usage.get(usage.lower()) != split_of[i]:
            raise UserError(
                f"line {votes.lines[i]} says '{printable(usage)}', but row {i + 1} of the images is of {split_of[i]}: "
                "the votes are not those of these images",
                where=where,
                next_step=_GIVE,
            )


def _check_labels(reading: Reading, rows: dict[str, NDArray[np.int64]], labels: NDArray[np.int64], where: str) -> None:
    """That the votes are of these images: most majorities are what FER-2013's own labels say."""
    own, voted = (
        np.concatenate(parts)
        for parts in (
            [translate(images.labels, images.classes, EIGHT) for images in reading.sets.values()],
            [labels[rows[split]] for split in reading.sets],
        )
    )
    clear = voted >= 0
    share = float((own == voted)[clear].mean()) if clear.any() else 0.0
    if clear.sum() >= _FEWEST and share < LEAST_AGREEMENT:
        raise UserError(
            f"only {share:.0%} of the majorities are what FER-2013's own labels say: the rows are of another order",
            where=where,
            next_step=_GIVE,
        )


def _told(counts: NDArray[np.int64], labels: NDArray[np.int64]) -> list[str]:
    """How many images are left out, and why."""
    _, best, clear = _peaks(counts)
    why = Counter({f"{what}": int((clear & (best == i)).sum()) for i, what in ((9, "not a face"), (8, "unknown"))})
    why["no majority"] = int((~clear).sum())
    said = ", ".join(f"{what} {n}" for what, n in why.items() if n)
    return [f"{why.total()} of {len(labels)} images are left out ({said})"] if said else []
