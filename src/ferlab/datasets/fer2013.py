"""FER-2013 (Goodfellow et al. 2015): its official splits and the readers of its forms."""

import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ferlab.data.colour import GREY
from ferlab.data.images import ImageSet
from ferlab.data.labels import FER_CLASSES, standard_name
from ferlab.datasets.archive import inside, picture_members, read_pictures
from ferlab.datasets.copies import without_copies
from ferlab.datasets.counts import EITHER, PUBLISHED, numbered, order_of, part_of, rather_alphabetical
from ferlab.datasets.reading import Problem, Reading
from ferlab.datasets.tables import read_table

DATASET = "fer2013"
SPLITS = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}
"""The challenge's own use: PublicTest for selection, PrivateTest for the final score."""

UNCOMPARABLE = (
    "of each class every second picture of it, by name, is taken for validation and the others for the test, so these "
    "two splits are not the challenge's and no score on them can be compared with a published one"
)

DOUBT = "what its class numbers stand for can't be told: their counts fit no order of FER-2013's classes"

_MARK = re.compile(r"^(Training|PublicTest|PrivateTest)_(\d+)$", re.IGNORECASE)
_FOLDERS = {
    "training": "train", "train": "train", "publictest": "valid", "public": "valid", "validation": "valid",
    "valid": "valid", "val": "valid", "dev": "valid", "development": "valid", "privatetest": "test", "private": "test",
    "test": EITHER, "testing": EITHER, "eval": EITHER, "evaluation": EITHER,
}  # fmt: skip
_AFTER = re.compile("(data|set|dataset|images?|imgs?|faces|pictures|split)$")  # train_images, test set
_HELD_OUT = {"valid": "validation/", EITHER: "test/"}
_USAGES = {name: "test" if split == EITHER else split for name, split in _FOLDERS.items()}


@dataclass(frozen=True)
class _Row:
    key: tuple[object, ...]
    member: str
    name: str  # of the class, or its number
    split: str
    marked: bool  # by its own name, as the challenge's files are


def is_member(member: str) -> bool:
    """Whether a picture's path says, by its name or its folders, that it is of FER-2013."""
    return _place(member) is not None


def read_folders(archive: zipfile.ZipFile, channels: int = GREY) -> Reading:
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
    rows, copies = without_copies(archive, rows, lambda row: row.member, lambda row: (row.split, row.name))
    notices += copies
    label_of, told, doubt = _labels(rows)
    problems += [Problem(row.member, _no_class(row.name)) for row in rows if row.name not in label_of]
    rows = [row for row in rows if row.name in label_of]
    held_out = {row.split for row in rows} - {"train"}
    halved = len(held_out) == 1 and held_out <= set(_HELD_OUT) and not any(r.marked for r in rows if r.split != "train")
    if halved:
        notices.append(_alone(rows, held_out.pop(), label_of))
        rows = _halve(rows)
    else:
        rows, swapped = _told_apart(rows, label_of)
        notices += swapped
    decoded = read_pictures(archive, [row.member for row in rows], channels)
    problems += [Problem(rows[i].member, what) for i, what in decoded.problems.items()]
    split = np.array(["" if i in decoded.problems else row.split for i, row in enumerate(rows)])
    labels = np.array([label_of[row.name] for row in rows], dtype=np.int64)
    members = np.array([row.member for row in rows], dtype=object)
    sets = {name: _image_set(decoded.images, labels, members, split == name, name) for name in PUBLISHED}
    notices += told + decoded.notices()
    return Reading(DATASET, "FER-2013 in folders", sets, problems, notices, tuple(members[split != ""]), halved, doubt)


def read_csv(archive: zipfile.ZipFile, member: str) -> Reading:
    """Read `fer2013.csv` or `icml_face_data.csv` (columns emotion, pixels, Usage in any order)."""
    table = read_table(archive, member)
    split = np.array([_USAGES.get(name.lower(), "") for name in table.usages], dtype=object)
    outside = (table.codes < 0) | (table.codes >= len(FER_CLASSES))
    problems = list(table.problems)
    for i in np.flatnonzero(outside | (split == "")):
        what = f"emotion {table.codes[i]}, usage '{table.usages[i]}': not a class and split of FER-2013"
        problems.append(Problem(f"{member}, line {table.lines[i]}", what))
    split[outside] = ""
    classes = len(FER_CLASSES)
    counts = {name: np.bincount(table.codes[split == name], minlength=classes) for name in PUBLISHED}
    order = order_of(counts)
    told = numbered(order, [str(i) for i in range(classes)]) if order else ""
    doubt = DOUBT if order is None and rather_alphabetical(counts) else ""
    codes = np.array(order or range(classes))[np.where(outside, 0, table.codes)]
    ids = np.array([f"{u}_{n}" for u, n in zip(table.usages, table.numbers, strict=True)], dtype=object)
    sets = {name: _image_set(table.images, codes, ids, split == name, name) for name in PUBLISHED}
    form = f"FER-2013 as a table ({PurePosixPath(member).name})"
    return Reading(DATASET, form, sets, problems, [told] if told else [], doubt=doubt)


def _place(member: str) -> _Row | Problem | None:
    """The row that a picture's path makes; None if the path says nothing of FER-2013."""
    path = inside(member)
    mark = _MARK.match(path.stem)
    marked = _FOLDERS[mark[1].lower()] if mark else None
    by_folder, name = _meaning(path.folders)
    if not marked and (not by_folder or _split(path.folder)):
        return None  # it lies beside the folders of classes
    if name not in FER_CLASSES and not (name and name.isdecimal()):
        return Problem(member, _no_class(path.folder))
    if marked and by_folder not in (None, marked) and not (by_folder == EITHER and marked != "train"):
        return Problem(member, "is of one split by its name and of another by its folder")
    split = marked or by_folder
    assert split is not None
    return _Row((_natural(path.stem), member), member, name, split, bool(mark))


def _no_class(folder: str) -> str:
    known = ", ".join(FER_CLASSES)
    return f"lies in '{folder}', which is no class of FER-2013 ({known}): name each folder by its class"


def _labels(rows: list[_Row]) -> tuple[dict[str, int], list[str], str]:
    """The label of each class's name or number, what the counts told of that, and what nobody can tell."""
    names = {name: FER_CLASSES.index(name) for row in rows for name in [row.name] if name in FER_CLASSES}
    numbers = sorted({row.name for row in rows} - set(names), key=int)
    if not numbers:
        return names, [], ""
    order = order_of(_counts(rows, {number: i for i, number in enumerate(numbers)}, len(numbers)))
    if order is None:
        own = {number: int(number) for number in numbers if int(number) < len(FER_CLASSES)}
        return names | own, [], DOUBT
    told = numbered(order, numbers)
    return names | dict(zip(numbers, order, strict=True)), [told] if told else [], ""


def _counts(rows: list[_Row], place: Mapping[str, int], places: int = len(FER_CLASSES)) -> dict[str, NDArray[np.int64]]:
    """By split: how many pictures there are at each place, int64 (places,)."""
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row.split, []).extend([place[row.name]] if row.name in place else [])
    return {split: np.bincount(np.array(at, dtype=np.int64), minlength=places) for split, at in found.items()}


def _alone(rows: list[_Row], split: str, label_of: Mapping[str, int]) -> str:
    """What it costs that validation and test are one folder."""
    counts = _counts(rows, label_of)[split]
    what = {
        EITHER: "doesn't tell PublicTest from PrivateTest",
        "valid": "is PublicTest alone, and PrivateTest is missing",
        "test": "is PrivateTest alone, and PublicTest is missing",
    }.get(part_of(counts) or (split if split == EITHER else ""), "is no part of the challenge's split")
    return f"{_HELD_OUT[split]} {what}: {UNCOMPARABLE}"


def _told_apart(rows: list[_Row], label_of: Mapping[str, int]) -> tuple[list[_Row], list[str]]:
    """Rows with `test` for what lies in test/, or the other way round where the counts say that names are swapped."""
    counts = _counts(rows, label_of)
    swapped = [part_of(counts[split]) for split in _HELD_OUT if split in counts] == ["test", "valid"]
    new = {"valid": "test", EITHER: "valid"} if swapped else {EITHER: "test"}
    told = ["validation/ has PrivateTest's counts and test/ PublicTest's: they are taken for those"] if swapped else []
    return [replace(row, split=new.get(row.split, row.split)) for row in rows], told


@lru_cache(maxsize=1024)
def _meaning(folders: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The split and the class that folders name, of each the innermost."""
    last = folders[-1] if folders else ""
    name = (
        str(int(last))
        if re.fullmatch("0?[0-9]", last)
        else next(filter(None, map(standard_name, reversed(folders))), None)
    )
    splits = map(_split if name is None else _split_of_classes, reversed(folders))
    return next(filter(None, splits), None), name


def _split(folder: str) -> str | None:
    return _FOLDERS.get(re.sub("[^a-z]", "", folder.lower()))


def _split_of_classes(folder: str) -> str | None:
    """The same of a folder that holds folders of classes, which may say more of itself: `train_images`, `test set`."""
    name = re.sub("[^a-z]", "", folder.lower())
    return _FOLDERS.get(name) or _FOLDERS.get(_AFTER.sub("", name.removeprefix("fer")))


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """A key that puts Training_9 before Training_10, and ends with numbers of any length."""
    parts = [part for part in re.split(r"([0-9]+)", text) if part]
    return tuple(
        (len(digits), digits) if (digits := part.lstrip("0") or "0").isdecimal() else (-1, part) for part in parts
    )


def _halve(rows: list[_Row]) -> list[_Row]:
    """Give every second picture of each class that isn't trained on to the test, the others to validation."""
    seen = Counter[str]()  # such pictures of each class so far
    halved = list[_Row]()
    for row in rows:
        split = row.split
        if split != "train":
            seen[row.name] += 1
            split = "test" if seen[row.name] % 2 else "valid"
        halved.append(replace(row, split=split))
    return halved


def _image_set(
    images: NDArray[np.uint8], labels: NDArray[np.int64], ids: NDArray[np.object_], kept: NDArray[np.bool_], split: str
) -> ImageSet:
    n = int(kept.sum())
    return ImageSet(images[kept], labels[kept], FER_CLASSES, tuple(ids[kept]), ("",) * n, (DATASET,) * n, split)
