"""CK+48: the last three frames of each labelled sequence of CK+ (Lucey et al. 2010), cropped to 48x48."""

import re
import zipfile
from pathlib import PurePosixPath

import numpy as np

from ferlab.data.colour import GREY
from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES, standard_name
from ferlab.datasets.archive import inside, picture_members, read_pictures
from ferlab.datasets.copies import without_copies
from ferlab.datasets.reading import Problem, Reading, refuse
from ferlab.datasets.tables import Table, read_table
from ferlab.errors import UserError

DATASET = "ckplus"
PUBLISHED = (135, 54, 177, 75, 207, 84, 249)
"""Images a class of the circulating CK+48, in the order of CKPLUS_CLASSES (981 in all, the paper's number)."""

TABLE_ROWS = (981, 920)
"""Rows of the tables that circulate: all frames; or one of each sequence and 593 neutral first frames."""

_FILE = re.compile(r"^(S\d+)_(\d+)_(\d+)$", re.IGNORECASE)
_ORDERS = (  # of the numbers 0 up, as different tables use them
    ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt"),
    ("angry", "disgust", "fear", "happy", "sad", "surprise", "contempt"),
    CKPLUS_CLASSES,
)


def is_member(member: str) -> bool:
    """Whether a picture's name has the form `Sxxx_yyy_zzzzzzzz` (subject, sequence, frame)."""
    return _FILE.match(inside(member).stem) is not None


def read_folders(archive: zipfile.ZipFile, channels: int = GREY) -> Reading:
    """Read `<any>/<class>/<any>/Sxxx_yyy_zzzzzzzz.<ext>`, in any case.

    Returns:
        The whole dataset as one ImageSet with subjects, sorted by subject, sequence and frame.
    """
    rows = list[tuple[str, str, str, int]]()  # to sort by, member, subject, label
    problems = list[Problem]()
    for member in picture_members(archive):
        path = inside(member)
        match = _FILE.match(path.stem)
        if not match:
            continue
        name = next(filter(None, map(standard_name, reversed(path.folders))), None)
        if name in CKPLUS_CLASSES:
            rows.append((path.stem.upper(), member, match[1].upper(), CKPLUS_CLASSES.index(name)))
        else:
            known = ", ".join(CKPLUS_CLASSES)
            problems.append(
                Problem(
                    member,
                    f"lies in '{path.folder}', which is no class of CK+ ({known}): name each folder by its class",
                )
            )
    if not rows and problems and all(map(_is_original, (problem.where for problem in problems))):
        raise UserError(
            "this is CK+ in its original layout: frames of whole scenes by subject and sequence, labels in text files",
            where=str(archive.filename),
            next_step="`ferlab data add --as ckplus_original` reads it as a set of its own; or give CK+48, its faces "
            "cropped to 48x48 in a folder a class (<class>/Sxxx_yyy_zzzzzzzz.png)",
        )
    rows.sort()
    rows, notices = without_copies(archive, rows, lambda row: row[1], lambda row: row[3])
    decoded = read_pictures(archive, [member for _, member, _, _ in rows], channels)
    problems += [Problem(rows[i][1], what) for i, what in decoded.problems.items()]
    good = [i for i in range(len(rows)) if i not in decoded.problems]
    members = tuple(rows[i][1] for i in good)
    frames = ImageSet(
        images=decoded.images[good],
        labels=np.array([rows[i][3] for i in good], dtype=np.int64),
        classes=CKPLUS_CLASSES,
        ids=members,
        subjects=tuple(rows[i][2] for i in good),
        origins=(DATASET,) * len(good),
        split="all",
    )
    return Reading(
        DATASET, "CK+48 in folders with subjects", {"all": frames}, problems, notices + decoded.notices(), members
    )


def read_csv(archive: zipfile.ZipFile, member: str) -> Reading:
    """Read a flat table of CK+: no subjects, and numbers whose meaning differs between copies.

    The counts say which order of classes the numbers follow, since no two classes of CK+ are of equal size. Neutral
    rows are left out: the paper's CK+ has seven expressions.

    Raises:
        UserError: a row can't be read, or the counts fit no known order, so nobody can say what the numbers mean.
    """
    table = read_table(archive, member)
    refuse(table.problems, str(archive.filename), partial=False)
    order = _order(table)
    if order is None:
        counted = ", ".join(f"{k}: {n}" for k, n in zip(*np.unique(table.codes, return_counts=True), strict=True))
        raise UserError(
            f"a table of CK+ whose class numbers can't be told: images a number are {counted}",
            where=f"{archive.filename}: {member}",
            next_step="use the folders of CK+48 (<class>/Sxxx_yyy_zzzzzzzz.png), which name their classes and subjects",
        )
    names = np.array(order)[table.codes]
    kept = names != "neutral"
    n = int(kept.sum())
    frames = ImageSet(
        images=table.images[kept],
        labels=np.array([CKPLUS_CLASSES.index(name) for name in names[kept]], dtype=np.int64),
        classes=CKPLUS_CLASSES,
        ids=tuple(f"row_{number}" for number, keep in zip(table.numbers, kept, strict=True) if keep),
        subjects=("",) * n,
        origins=(DATASET,) * n,
        split="all",
    )
    notices = ["a table has no subjects: folds by subject can't be made of it, and sequences can't be counted"]
    if n < len(kept):
        notices.append(f"{len(kept) - n} neutral rows are left out: they are none of the seven expressions")
    form = f"CK+ as a table ({PurePosixPath(member).name})"
    return Reading(DATASET, form, {"all": frames}, [], notices)


def _is_original(member: str) -> bool:
    """Whether a frame lies in folders named by its subject and sequence."""
    path = inside(member)
    match = _FILE.match(path.stem)
    return match is not None and tuple(map(str.upper, path.folders[-2:])) == (match[1].upper(), match[2])


def _order(table: Table) -> tuple[str, ...] | None:
    counts = {int(code): int(n) for code, n in zip(*np.unique(table.codes, return_counts=True), strict=True)}
    for each in (1, 3):  # all three frames of a sequence, or one
        images = {name: n // each for name, n in zip(CKPLUS_CLASSES, PUBLISHED, strict=True)}
        for order in _ORDERS:
            wanted = {code: images[name] for code, name in enumerate(order) if name in images}
            found = {code: n for code, n in counts.items() if code not in range(len(order)) or order[code] != "neutral"}
            if found == wanted:
                return order
    return None
