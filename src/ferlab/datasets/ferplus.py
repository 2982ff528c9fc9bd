"""FER+ (Barsoum et al. 2016): ten people's votes on each image of FER-2013, laid on these images."""

import zipfile
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ferlab.data.colour import GREY
from ferlab.data.images import ImageSet
from ferlab.data.labels import translate
from ferlab.datasets import fer2013
from ferlab.datasets.archive import inside, is_junk, picture_members
from ferlab.datasets.fitting import EIGHT, fit
from ferlab.datasets.reading import Problem, Reading, refuse
from ferlab.datasets.rows import Listing, Row, build
from ferlab.datasets.tables import head, is_table
from ferlab.datasets.votes import Votes, find_votes, left_out, majority, read_votes
from ferlab.errors import UserError

NAME = "ferplus"
LEAST_AGREEMENT = 0.4  # of majorities with FER-2013's own labels; rows of another order agree in about a fifth
_FEWEST = 100  # images, of which an agreement says something
_GIVE = (
    "give fer2013new.csv and fer2013.csv in one zip; FER-2013's folders of pictures have lost the order of "
    "fer2013.csv's rows, so nobody can lay votes on them"
)
_FOLDERS = {"train": "train", "valid": "valid", "test": "test"}  # how the authors' folders end: FER2013Train …


def recognise(archive: zipfile.ZipFile) -> bool:
    """Whether a table of votes is in here."""
    return find_votes(archive) is not None


def read(archive: zipfile.ZipFile, *, side: int, classes: Sequence[str] | None, channels: int = GREY) -> Reading:
    """Read `fer2013new.csv`, and the images from `fer2013.csv` or from the pictures that it names.

    Row i of one table is row i of the other, whatever the images are called. Pictures are those that the authors' own
    program writes: `FER2013Train/fer0000000.png`.

    The label is the majority's (`votes.majority`). Images without one, and those of which it says `unknown` or `NF`
    (not a face), are left out and counted.

    Args:
        side: pixels. classes: those to read, in their order; None for FER-2013's seven and contempt.
        channels: 1 (grey) or 3 (RGB).

    Returns:
        `train`, `valid` and `test`; their votes are the shares of the classes among the votes left for them.

    Raises:
        UserError: the images are missing or can't be read, or the votes are not those of these images.
    """
    member = find_votes(archive)
    assert member is not None, "ask `recognise` first"
    votes = read_votes(archive, member, _GIVE)
    where = f"{archive.filename}: {member}"
    tables = (n for n in sorted(archive.namelist()) if n.lower().endswith(".csv") and not is_junk(n))
    images = next((name for name in tables if is_table(head(archive, name))), None)
    reading = _by_row(archive, images, votes, where) if images else _by_name(archive, votes, side, channels, where)
    if not reading.sets:
        raise UserError("no image has a majority for an expression", where=where, next_step=_GIVE)
    reading = replace(reading, notices=[*reading.notices, *left_out(votes.counts)])
    return fit(reading, side=side, classes=classes, where=str(archive.filename), channels=channels)


def _by_row(archive: zipfile.ZipFile, images_in: str, votes: Votes, where: str) -> Reading:
    """The votes laid on a table of images."""
    reading = fer2013.read_csv(archive, images_in)
    refuse(reading.problems, str(archive.filename), partial=False)
    rows = {split: np.array([int(i.rpartition("_")[2]) for i in s.ids], np.int64) for split, s in reading.sets.items()}
    _check_rows(votes, rows, where)
    shares, labels = majority(votes.counts)
    if not reading.doubt:
        own = {split: translate(images.labels, images.classes, EIGHT) for split, images in reading.sets.items()}
        _check_labels(np.concatenate(list(own.values())), labels[np.concatenate(list(rows.values()))], where)
    sets = dict[str, ImageSet]()
    for split, images in reading.sets.items():
        kept = labels[rows[split]] >= 0
        if kept.any():
            chosen, origins = rows[split][kept], (NAME,) * int(kept.sum())
            sets[split] = replace(
                images.take(kept), labels=labels[chosen], classes=EIGHT, origins=origins, votes=shares[chosen]
            )
    return Reading(NAME, "FER+ on fer2013.csv", sets, [], reading.notices)


def _by_name(archive: zipfile.ZipFile, votes: Votes, side: int, channels: int, where: str) -> Reading:
    """The votes laid on pictures that are called as the table says."""
    row_of = {name.rpartition(".")[0].lower(): row for row, name in enumerate(votes.names) if name}
    if len(row_of) < sum(map(bool, votes.names)):
        raise UserError("two rows name one picture", where=where, next_step=_GIVE)
    pictures = {inside(member).stem.lower(): member for member in picture_members(archive)}
    if row_of.keys().isdisjoint(pictures):
        found = "none of the pictures" if pictures else "no fer2013.csv"
        raise UserError(f"votes, but {found} that they are of", where=where, next_step=_GIVE)
    shares, labels = majority(votes.counts)
    rows, problems = list[Row](), list[Problem]()
    for stem, row in row_of.items():
        member, split, line = pictures.get(stem), votes.splits[row], f"line {votes.lines[row]} of the votes"
        folder = next(
            (s for end, s in _FOLDERS.items() if member and inside(member).folder.lower().endswith(end)), split
        )
        if member is None:
            problems.append(Problem(line, "names a picture that isn't in here"))
        elif folder != split:
            problems.append(Problem(member, f"lies in a folder of {folder}, but {line} says {split}"))
        elif labels[row] >= 0:
            rows.append(Row(member, split, EIGHT[labels[row]]))
    notices = [f"{n} other pictures were passed over"] if (n := len(pictures.keys() - row_of.keys())) else []
    listing = Listing(NAME, "FER+ on the pictures that it names", EIGHT, rows, problems, notices)
    reading = build(archive, listing, side=side, classes=None, channels=channels)
    row_by_id = {pictures[stem]: row for stem, row in row_of.items() if stem in pictures}
    sets = {split: replace(s, votes=shares[[row_by_id[i] for i in s.ids]]) for split, s in reading.sets.items()}
    return replace(reading, sets=sets)


def _check_rows(votes: Votes, rows: dict[str, NDArray[np.int64]], where: str) -> None:
    """That both tables have as many rows, and each the same usage in both."""
    n = sum(map(len, rows.values()))
    if n != len(votes.splits):
        raise UserError(f"{len(votes.splits)} rows of votes, but {n} images", where=where, next_step=_GIVE)
    splits = np.empty(n, dtype=object)
    for split, numbers in rows.items():
        splits[numbers] = split
    odd = np.flatnonzero(splits != np.array(votes.splits, dtype=object))
    if len(odd):
        row = int(odd[0])
        raise UserError(
            f"line {votes.lines[row]} is of {votes.splits[row]}, but row {row + 1} of the images of {splits[row]}: the "
            "votes are not those of these images",
            where=where,
            next_step=_GIVE,
        )


def _check_labels(own: NDArray[np.int64], voted: NDArray[np.int64], where: str) -> None:
    """That most majorities are what FER-2013's own labels say: both are int64 (N,), indices into EIGHT or -1."""
    clear = voted >= 0
    share = float((own == voted)[clear].mean()) if clear.any() else 1.0
    if clear.sum() >= _FEWEST and share < LEAST_AGREEMENT:
        raise UserError(
            f"only {share:.0%} of the majorities are what FER-2013's own labels say: the rows are of another order, or "
            "of other images",
            where=where,
            next_step=_GIVE,
        )
