"""RAF-DB (Li, Deng and Du 2017), its basic expressions: pictures, and their labels in one list."""

import re
import zipfile
from collections.abc import Sequence

from ferlab.data.colour import GREY
from ferlab.datasets.archive import inside, is_junk, picture_members
from ferlab.datasets.members import MemberError, read_lines
from ferlab.datasets.reading import Problem, Reading
from ferlab.datasets.rows import Listing, Row, build
from ferlab.errors import UserError

NAME = "rafdb"
CLASSES = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
"""In the order of the list's numbers 1-7."""

PUBLISHED = {"train": (1290, 281, 717, 4772, 1982, 705, 2524), "test": (329, 74, 160, 1185, 478, 162, 680)}
"""Images a split and class, in the order of CLASSES: 12,271 and 3,068 in all."""

_LISTS = ("list_patition_label.txt", "list_partition_label.txt")  # the first: as it is given out
_LINE = re.compile(r"(?P<stem>(?P<split>train|test)_\d+)(_aligned)?\.\w+[\s,]+(?P<number>\d+)", re.IGNORECASE)


def recognise(archive: zipfile.ZipFile) -> bool:
    """Whether RAF-DB's list of labels is in here."""
    return _list(archive) is not None


def read(archive: zipfile.ZipFile, *, side: int, classes: Sequence[str] | None, channels: int = GREY) -> Reading:
    """Read `list_patition_label.txt` and the pictures it names: `<name>_aligned.jpg`, else `<name>.jpg`.

    A line is a picture's name and a number: 1 surprise, 2 fear, 3 disgust, 4 happiness, 5 sadness, 6 anger, 7 neutral.
    Its name begins with its split, `train_` or `test_`.

    Args:
        side: pixels. classes: those to read, in their order; None for all.
        channels: 1 (grey) or 3 (RGB).

    Raises:
        UserError: the list can't be read, no listed picture is there, or as `build`.
    """
    where = str(archive.filename)
    member = _list(archive)
    assert member is not None, "ask `recognise` first"
    try:
        lines = read_lines(archive, member)
    except MemberError as error:
        raise UserError(
            f"{member} {error}", where=where, next_step="get the list as RAF-DB's authors give it"
        ) from None
    aligned, plain = _pictures(archive)
    rows, problems, seen = list[Row](), list[Problem](), set[str]()
    whole, compound = 0, 0
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        place = f"{member}, line {number}"
        match = _LINE.fullmatch(line)
        if not match:
            problems.append(Problem(place, "isn't `train_00001.jpg 5` or the like: a name of a split, and a number"))
            continue
        stem, label = match["stem"].lower(), match["number"]
        picture = aligned.get(stem) or plain.get(stem)
        if len(label) > 1 or not 1 <= int(label) <= len(CLASSES):
            compound += 1
            problems.append(Problem(place, f"has the label {label}; RAF-DB's basic expressions are 1 to 7"))
        elif stem in seen:
            problems.append(Problem(place, "names a picture that stood there before"))
        elif picture is None:
            problems.append(Problem(place, "names a picture that isn't in here"))
        else:
            whole += stem not in aligned
            rows.append(Row(picture, match["split"].lower(), CLASSES[int(label) - 1]))
        seen.add(stem)
    notices = list[str]()
    if extra := len((aligned.keys() | plain.keys()) - seen):
        notices.append(f"{extra} pictures that the list doesn't name were passed over")
    if whole:
        notices.append(f"{whole} pictures are not called aligned: if they are whole scenes, give Image/aligned")
    if compound:
        notices.append("are these the compound expressions? Read are the basic ones")
    found = Listing(NAME, "RAF-DB (basic)", CLASSES, rows, problems, notices)
    return build(archive, found, side=side, classes=classes, channels=channels)


def _list(archive: zipfile.ZipFile) -> str | None:
    names = (name for name in archive.namelist() if name.lower().endswith(_LISTS) and not is_junk(name))
    return next(names, None)


def _pictures(archive: zipfile.ZipFile) -> tuple[dict[str, str], dict[str, str]]:
    """Pictures by their name in the list: aligned ones and others; of several the first by its path."""
    aligned, plain = dict[str, str](), dict[str, str]()
    for member in picture_members(archive):
        stem = inside(member).stem.lower()
        place = aligned if stem.endswith("_aligned") else plain
        place.setdefault(stem.removesuffix("_aligned"), member)
    return aligned, plain
