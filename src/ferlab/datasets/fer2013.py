"""FER-2013 (Goodfellow et al. 2015): its official splits and the readers of its forms."""

import re
import zipfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import ImageSet
from ferlab.data.labels import FER_CLASSES, standard_name
from ferlab.datasets.archive import inside, picture_members, read_pictures
from ferlab.datasets.reading import Problem, Reading
from ferlab.datasets.tables import read_table

DATASET = "fer2013"
SPLITS = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}
"""The challenge's own use: PublicTest for selection, PrivateTest for the final score."""

PUBLISHED = {
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "valid": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
"""Images a split and class of the published dataset, in the order of FER_CLASSES."""

UNMARKED = (
    "test/ doesn't tell PublicTest from PrivateTest: of each class every second picture, by name, is taken for "
    "validation and the others for the test, so these two splits are not the challenge's and no score on them can be "
    "compared with a published one"
)

_MARK = re.compile(r"^(Training|PublicTest|PrivateTest)_(\d+)$", re.IGNORECASE)
_EITHER = "either half of test"
_FOLDERS = {
    "training": "train", "train": "train", "publictest": "valid", "validation": "valid", "valid": "valid",
    "val": "valid", "privatetest": "test", "test": _EITHER, "testing": _EITHER,
}  # fmt: skip


@dataclass(frozen=True)
class _Row:
    key: tuple[object, ...]
    member: str
    label: int
    split: str


def is_member(member: str) -> bool:
    """Whether a picture's path says, by its name or its folders, that it is of FER-2013."""
    return _place(member) is not None


def read_folders(archive: zipfile.ZipFile) -> Reading:
    """Read `<any>/<class>/{Training,PublicTest,PrivateTest}_<n>.<ext>` or `<any>/<split>/<class>/<any>.<ext>`.

    A class is a name or the challenge's number, a split `train`, `Training`, `PublicTest`, `test` or the like.

    Returns:
        One ImageSet a split (`train`, `valid`, `test`), sorted by the pictures' names, their numbers as numbers.
        Pictures that belong to no class or split are not counted as FER-2013's.
    """
    rows = list[_Row]()
    problems = list[Problem]()
    passed_over = 0
    for member in picture_members(archive):
        found = _place(member)
        if isinstance(found, Problem):
            problems.append(found)
        elif found is None:
            passed_over += 1
        else:
            rows.append(found)
    rows.sort(key=lambda row: row.key)
    notices = [f"{passed_over} pictures in no class's folder were passed over"] if passed_over else []
    splits = {row.split for row in rows}
    halved = _EITHER in splits and "valid" not in splits
    if halved:
        rows = _halve(rows)
        notices.append(UNMARKED)
    elif _EITHER in splits:
        rows = [replace(row, split="test") if row.split == _EITHER else row for row in rows]
    decoded = read_pictures(archive, [row.member for row in rows])
    problems += [Problem(rows[i].member, what) for i, what in decoded.problems.items()]
    split = np.array(["" if i in decoded.problems else row.split for i, row in enumerate(rows)])
    labels = np.array([row.label for row in rows], dtype=np.int64)
    members = np.array([row.member for row in rows], dtype=object)
    sets = {name: _image_set(decoded.images, labels, members, split == name, name) for name in PUBLISHED}
    return Reading(
        DATASET, "FER-2013 in folders", sets, problems, notices + decoded.notices(), tuple(members[split != ""]), halved
    )


def read_csv(archive: zipfile.ZipFile, member: str) -> Reading:
    """Read `fer2013.csv` or `icml_face_data.csv` (columns emotion, pixels, Usage in any order)."""
    table = read_table(archive, member)
    usage = {name.lower(): split for name, split in SPLITS.items()}
    split = np.array([usage.get(name.lower(), "") for name in table.usages], dtype=object)
    outside = (table.codes < 0) | (table.codes >= len(FER_CLASSES))
    problems = list(table.problems)
    for i in np.flatnonzero(outside | (split == "")):
        what = f"emotion {table.codes[i]}, usage '{table.usages[i]}': not a class and split of FER-2013"
        problems.append(Problem(f"{member}, line {table.numbers[i] + 2}", what))
    split[outside] = ""
    ids = np.array([f"{u}_{n}" for u, n in zip(table.usages, table.numbers, strict=True)], dtype=object)
    sets = {name: _image_set(table.images, table.codes, ids, split == name, name) for name in PUBLISHED}
    return Reading(DATASET, f"FER-2013 as a table ({PurePosixPath(member).name})", sets, problems)


def _place(member: str) -> _Row | Problem | None:
    """The row that a picture's path makes; None if the path says nothing of FER-2013."""
    path = inside(member)
    mark = _MARK.match(path.stem)
    marked = _FOLDERS[mark[1].lower()] if mark else None
    by_folder, name = _meaning(path.folders)
    if not marked and (not by_folder or _split(path.folder)):
        return None  # it lies beside the folders of classes
    if name not in FER_CLASSES:
        known = ", ".join(FER_CLASSES)
        return Problem(member, f"lies in '{path.folder}', which is no class of FER-2013 ({known})")
    if marked and by_folder not in (None, marked) and not (by_folder == _EITHER and marked != "train"):
        return Problem(member, "is of one split by its name and of another by its folder")
    split = marked or by_folder
    assert split is not None
    return _Row((_natural(path.stem), member), member, FER_CLASSES.index(name), split)


@lru_cache(maxsize=1024)
def _meaning(folders: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The split and the class that folders name, of each the innermost."""
    by_folder = next(filter(None, map(_split, reversed(folders))), None)
    name = _class(folders[-1] if folders else "") or next(filter(None, map(standard_name, reversed(folders))), None)
    return by_folder, name


def _split(folder: str) -> str | None:
    return _FOLDERS.get(re.sub("[^a-z]", "", folder.lower()))


def _class(folder: str) -> str | None:
    return FER_CLASSES[int(folder)] if re.fullmatch("0?[0-6]", folder) else standard_name(folder)


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """A key that puts Training_9 before Training_10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text) if part)


def _halve(rows: list[_Row]) -> list[_Row]:
    """Give every second picture of each class that could be either to validation, the others to the test."""
    seen = dict[int, int]()  # pictures of each label so far
    halved = list[_Row]()
    for row in rows:
        split = row.split
        if split == _EITHER:
            seen[row.label] = seen.get(row.label, 0) + 1
            split = "test" if seen[row.label] % 2 else "valid"
        halved.append(replace(row, split=split))
    return halved


def _image_set(
    images: NDArray[np.uint8], labels: NDArray[np.int64], ids: NDArray[np.object_], kept: NDArray[np.bool_], split: str
) -> ImageSet:
    n = int(kept.sum())
    return ImageSet(images[kept], labels[kept], FER_CLASSES, tuple(ids[kept]), ("",) * n, (DATASET,) * n, split)
