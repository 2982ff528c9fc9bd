"""Any data set of pictures in a folder a class, of any size and colour: `<split>/<class>/…` or `<class>/…`."""

import re
import zipfile
from collections import defaultdict
from collections.abc import Sequence

from ferlab.data.colour import GREY
from ferlab.datasets.archive import inside, is_junk, picture_members
from ferlab.datasets.fitting import EIGHT, canonical
from ferlab.datasets.reading import Problem, Reading
from ferlab.datasets.rows import Listing, Row, build
from ferlab.errors import UserError, printable

NAME = "folder"
MOST_CLASSES = 100  # more are rather a folder a person or a picture
_CLASS = re.compile("[a-z][a-z0-9_-]{0,59}")  # what params.yaml takes for a class's name
_SPLITS = {
    "train": "train", "training": "train", "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
}  # fmt: skip


def split_of(folder: str) -> str | None:
    """The split that a folder's name stands for: `Train`, `val_set`, `testing`; None if it stands for none."""
    return _SPLITS.get(re.sub("[^a-z]", "", folder.lower().removesuffix("set")))


def recognise(archive: zipfile.ZipFile) -> bool:
    """Whether there is a picture in a folder that is no split's."""
    return any(_place(inside(member).folders, ())[0] for member in picture_members(archive))


def read(archive: zipfile.ZipFile, *, side: int, classes: Sequence[str] | None, channels: int = GREY) -> Reading:
    """Read pictures in a folder a class, with or without folders of splits round them.

    A class is called as its folder is, by `fitting.canonical`. Without `classes` the
    standard ones come first, in FER-2013's order and then contempt, the others by the alphabet. With `classes` the
    innermost folder counts that is one of them. Folders that are numbers mean what `classes` says, in their order.

    Args:
        side: pixels. classes: those to read; None for all.
        channels: 1 (grey) or 3 (RGB).

    Raises:
        UserError: classes are numbers and `classes` doesn't say which, one is asked for that isn't there, only one is
            there, or far too many.
    """
    where = str(archive.filename)
    asked = tuple(map(canonical, classes or ()))
    placed = [(member, *_place(inside(member).folders, asked)) for member in picture_members(archive)]
    meaning, notices = _meaning({folder for _, folder, _ in placed if folder}, asked, where)
    with_splits = any(split != "all" for _, folder, split in placed if folder)
    rows, problems, passed_over = list[Row](), list[Problem](), 0
    for member, folder, split in placed:
        if not folder:
            passed_over += 1
        elif not _CLASS.fullmatch(meaning[folder]):
            what = f"lies in '{printable(folder)}', which can't be a class's name: name it with a-z, digits, _ and -"
            problems.append(Problem(member, what))
        elif with_splits and split == "all":
            problems.append(Problem(member, "lies in no split's folder, as others do"))
        else:
            rows.append(Row(member, split, meaning[folder]))
    notices += [f"{passed_over} pictures in no class's folder were passed over"] * bool(passed_over)
    notices += _without(archive, {folder for _, folder, _ in placed}, asked)
    names = {row.name for row in rows}
    if len(names) > MOST_CLASSES:
        some = ", ".join(map(printable, sorted(names)[:3]))
        raise UserError(
            f"{len(names)} folders of pictures ({some}, …): these are rather persons than classes",
            where=where,
            next_step="name the classes with --classes",
        )
    known = (*(name for name in EIGHT if name in names), *sorted(names - set(EIGHT)))
    found = Listing(NAME, "class folders", known, rows, problems, notices)
    return build(archive, found, side=side, classes=classes, channels=channels)


def _place(folders: tuple[str, ...], asked: Sequence[str]) -> tuple[str, str]:
    """The class's folder, empty if there is none, and the split."""
    at = next((i for i in reversed(range(len(folders))) if canonical(folders[i]) in asked), len(folders) - 1)
    if at < 0 or split_of(folders[at]):
        return "", "all"
    return folders[at], next(filter(None, map(split_of, reversed(folders[:at]))), "all")


def _without(archive: zipfile.ZipFile, known: set[str], asked: Sequence[str]) -> list[str]:
    """Folders of which nothing is read, though they hold files: of a kind that isn't known, or without a suffix."""
    files = (name for name in archive.namelist() if not name.endswith("/") and not is_junk(name))
    lost = {folder: name for name in files if (folder := _place(inside(name).folders, asked)[0]) not in {"", *known}}
    return [f"the folder {printable(folder)} holds no pictures but {printable(name)}" for folder, name in lost.items()]


def _meaning(folders: set[str], asked: Sequence[str], where: str) -> tuple[dict[str, str], list[str]]:
    """The class that each folder holds, and what a person should know of that."""
    numbered = {folder: int(folder) for folder in folders if re.fullmatch("[0-9]{1,9}", folder)}
    numbers = sorted(set(numbered.values()))
    if numbers and not asked:
        raise UserError(
            f"the classes are numbers ({', '.join(map(str, numbers[:10]))}), and what they stand for is said nowhere",
            where=where,
            next_step="name the classes in the order of their numbers: --classes angry,disgust,…",
        )
    if numbers and len(numbered) == len(folders):
        if len(numbers) != len(asked):
            raise UserError(
                f"{len(numbers)} folders of numbers ({', '.join(map(str, numbers[:10]))}), but {len(asked)} classes",
                where=where,
                next_step="name a class for each number, in their order",
            )
        said = ", ".join(f"{number} {name}" for number, name in zip(numbers, asked, strict=True))
        return {f: asked[numbers.index(n)] for f, n in numbered.items()}, [f"the numbers stand for: {said}"]
    meaning = {folder: canonical(folder) for folder in folders}
    together = defaultdict[str, set[str]](set)
    for folder, name in meaning.items():
        together[name].add(folder.strip().lower())
    notices = [
        f"the folders {', '.join(map(printable, sorted(some)))} are one class: {printable(name)}"
        for name, some in sorted(together.items())
        if len(some) > 1
    ]
    return meaning, notices
