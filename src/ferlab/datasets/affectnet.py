"""AffectNet (Mollahosseini et al. 2017) in the layout of its images with one small annotation file each."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ferlab.data.colour import GREY
from ferlab.datasets.archive import inside, is_junk, picture_members
from ferlab.datasets.folders import split_of
from ferlab.datasets.members import MemberError, read_member
from ferlab.datasets.reading import Problem, Reading
from ferlab.datasets.rows import Listing, Row, build

NAME = "affectnet"
CLASSES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
"""In the order of the annotations' numbers 0-7."""

OTHERS = {8: "none", 9: "uncertain", 10: "no face"}
_LARGEST = 4096  # bytes of an annotation; it has about 130
_LABEL = "_exp.npy"


def recognise(archive: zipfile.ZipFile) -> bool:
    """Whether there are annotations of expressions."""
    return any(name.lower().endswith(_LABEL) and not is_junk(name) for name in archive.namelist())


def read(archive: zipfile.ZipFile, *, side: int, classes: Sequence[str] | None, channels: int = GREY) -> Reading:
    """Read `<split>/images/<id>.jpg` with `<split>/annotations/<id>_exp.npy`, a split being `train_set` or `val_set`.

    The numbers are 0 neutral, 1 happy, 2 sad, 3 surprise, 4 fear, 5 disgust, 6 anger, 7 contempt; 8 to 10 (none,
    uncertain, no face) are left out and counted. Without folders of splits the one set is called `all`.

    Args:
        side: pixels. classes: those to read, in their order; None for all.
        channels: 1 (grey) or 3 (RGB).

    Raises:
        UserError: as `build`.
    """
    labels = {
        _key(name, _LABEL): name
        for name in archive.namelist()
        if name.lower().endswith(_LABEL) and "annotations" in name.lower() and not is_junk(name)
    }
    rows, problems, others, used = list[Row](), list[Problem](), Counter[str](), set[tuple[str, str]]()
    passed_over = 0
    for member in picture_members(archive):
        path = inside(member)
        key = _key(member, path.suffix)
        if path.folder.lower() != "images":
            passed_over += 1
            continue
        if key not in labels:
            problems.append(Problem(member, f"has no annotation (annotations/{path.stem}{_LABEL})"))
            continue
        used.add(key)
        try:
            number = _number(read_member(archive, labels[key], _LARGEST))
        except MemberError as error:
            problems.append(Problem(labels[key], str(error)))
            continue
        if number in OTHERS:
            others[OTHERS[number]] += 1
        elif 0 <= number < len(CLASSES):
            split = next(filter(None, map(split_of, reversed(path.folders))), "all")
            rows.append(Row(member, split, CLASSES[number]))
        else:
            problems.append(Problem(labels[key], f"says {number}, which is no expression of AffectNet (0 to 7)"))
    problems += [Problem(name, "has no image") for key, name in sorted(labels.items()) if key not in used]
    said = ", ".join(f"{name} {n}" for name, n in sorted(others.items()))
    notices = [f"{others.total()} images without an expression are left out ({said})"] if others else []
    notices += [f"{passed_over} pictures in no folder `images` were passed over"] * bool(passed_over)
    found = Listing(NAME, "AffectNet (images and annotations)", CLASSES, rows, problems, notices)
    return build(archive, found, side=side, classes=classes, channels=channels)


def _key(name: str, end: str) -> tuple[str, str]:
    """The folder that images and annotations lie in, and the number that both are called by."""
    parent, _, last = name.replace("\\", "/").rpartition("/")
    return parent.rpartition("/")[0], last[: len(last) - len(end)]


def _number(content: bytes) -> int:
    """The one number of an annotation, which is written as text or as a number.

    Raises:
        MemberError: it is no array of one short value; nothing in it is ever run.
    """
    try:
        handle = io.BytesIO(content)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = header[np.lib.format.read_magic(handle)](handle)
        if shape in ((), (1,)) and dtype.kind in "iufUS" and dtype.itemsize <= _LARGEST:  # before it takes any memory
            text = str(np.load(io.BytesIO(content), allow_pickle=False).astype(np.str_).item()).strip()
            if re.fullmatch(r"[0-9]{1,2}(\.0*)?", text):
                return int(float(text))
    except Exception:  # headers are parsed, and damaged ones raise anything
        pass
    raise MemberError("holds no number of an expression")
