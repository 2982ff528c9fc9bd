"""From a list of pictures with their classes and splits to sets of images: the second half of the newer readers."""

import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ferlab.data.colour import GREY
from ferlab.data.images import ImageSet
from ferlab.datasets.fitting import choose, left_out, need_two
from ferlab.datasets.members import Cut, read_squares
from ferlab.datasets.reading import Problem, Reading, refuse
from ferlab.errors import UserError

SPLITS = ("train", "valid", "test", "all")


@dataclass(frozen=True)
class Row:
    """One picture by its name in the archive: its split (`train`, `valid`, `test`, `all`), its class, who is shown."""

    member: str
    split: str
    name: str
    subject: str = ""


@dataclass(frozen=True)
class Listing:
    """What an archive's names and labels say, before any picture is decoded.

    Attributes:
        dataset: the form's name. form: how it is packed, for people. classes: those it has, in their order.
        rows: pictures that can be used so far. problems, notices: as in Reading.
        cut: which part to use of each picture.
    """

    dataset: str
    form: str
    classes: tuple[str, ...]
    rows: list[Row]
    problems: list[Problem]
    notices: list[str]
    cut: Cut | None = None


def build(
    archive: zipfile.ZipFile, found: Listing, *, side: int, classes: Sequence[str] | None, channels: int = GREY
) -> Reading:
    """Decode the pictures of the classes asked for, of so many channels.

    Returns:
        One ImageSet a split that has pictures, in the order of their names; ids are these names.

    Raises:
        UserError: no picture or only one class is there, or a class is asked for that isn't.
    """
    where = str(archive.filename)
    if len({row.name for row in found.rows}) < 2:
        refuse(found.problems, where, partial=False)
    if not found.rows:
        raise UserError(f"{found.form}: no pictures of a class are in here", where=where)
    chosen = choose(classes, found.classes, where)
    others = Counter(row.name for row in found.rows if row.name not in chosen)
    rows = sorted((row for row in found.rows if row.name in chosen), key=lambda row: row.member)
    need_two((row.name for row in rows), chosen, found.form, where)
    squared = read_squares(archive, [row.member for row in rows], side, found.cut, channels)
    problems = found.problems + [Problem(rows[i].member, what) for i, what in squared.problems.items()]
    good = [i for i in range(len(rows)) if i not in squared.problems]
    sets = dict[str, ImageSet]()
    for split in SPLITS:
        indices = [i for i in good if rows[i].split == split]
        if indices:
            sets[split] = ImageSet(
                images=squared.images if len(indices) == len(rows) else squared.images[indices],
                labels=np.array([chosen.index(rows[i].name) for i in indices], dtype=np.int64),
                classes=chosen,
                ids=tuple(rows[i].member for i in indices),
                subjects=tuple(rows[i].subject for i in indices),
                origins=(found.dataset,) * len(indices),
                split=split,
            )
    if not sets:
        refuse(problems, where, partial=False)
    notices = [*found.notices, *left_out(others), *squared.notices, *_absent(sets)]
    members = tuple(rows[i].member for i in good)
    return Reading(found.dataset, found.form, sets, problems, notices, members)


def _absent(sets: Mapping[str, ImageSet]) -> list[str]:
    """Which splits lack which classes."""
    lacking = {split: [name for name, n in images.counts().items() if not n] for split, images in sets.items()}
    return [f"{split} has no images of {', '.join(names)}" for split, names in lacking.items() if names]
