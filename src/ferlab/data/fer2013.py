"""FER-2013 (Goodfellow et al. 2015): its official splits and the readers of its forms."""

import csv
import io
import re
import zipfile
from pathlib import PurePosixPath

import numpy as np

from ferlab.data.archive import picture_members, read_pictures
from ferlab.data.images import SIDE, ImageSet
from ferlab.data.labels import FER_CLASSES, standard_name
from ferlab.errors import UserError

SPLITS = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}
"""The challenge's own use: PublicTest for selection, PrivateTest for the final score."""

PUBLISHED = {
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "valid": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
"""Images a split and class of the published dataset, in the order of FER_CLASSES."""

_FILE = re.compile(r"^(Training|PublicTest|PrivateTest)_(\d+)$")
_CSV_COLUMNS = {"emotion", "pixels", "Usage"}


def read_folders(archive: zipfile.ZipFile) -> dict[str, ImageSet]:
    """Read `<any>/<class>/{Training,PublicTest,PrivateTest}_<n>.<ext>`.

    Returns:
        One ImageSet a split (`train`, `valid`, `test`), sorted by the numbers in the files' names.

    Raises:
        UserError: a folder that is no class of FER-2013, or a picture that can't be read.
    """
    found: dict[str, list[tuple[int, str, int]]] = {split: [] for split in SPLITS.values()}
    for member in picture_members(archive):
        path = PurePosixPath(member)
        match, name = _FILE.match(path.stem), standard_name(path.parent.name)
        if not match:
            continue
        if name not in FER_CLASSES:
            raise UserError(
                f"the folder '{path.parent.name}' is no class of FER-2013",
                where=f"{archive.filename}: {member}",
                next_step=f"the classes are {', '.join(FER_CLASSES)}",
            )
        found[SPLITS[match[1]]].append((int(match[2]), member, FER_CLASSES.index(name)))
    sets = {}
    for split, rows in found.items():
        rows.sort()
        members = [member for _, member, _ in rows]
        labels = np.array([label for _, _, label in rows], dtype=np.int64)
        sets[split] = _image_set(read_pictures(archive, members), labels, members, split)
    return sets


def is_csv(header: str) -> bool:
    """Whether a first line names FER-2013's columns; `icml_face_data.csv` has blanks before two of them."""
    return {name.strip() for name in header.split(",")} == _CSV_COLUMNS


def read_csv(archive: zipfile.ZipFile, member: str) -> dict[str, ImageSet]:
    """Read `fer2013.csv` or `icml_face_data.csv` (columns emotion, pixels, Usage; blanks in the header are ignored).

    Raises:
        UserError: a row with another number of pixels, a value outside 0-255, an unknown class or usage; it is named.
    """
    rows: dict[str, list[tuple[np.ndarray, int, str]]] = {split: [] for split in SPLITS.values()}
    with archive.open(member) as raw:
        table = csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8"))
        table.fieldnames = [name.strip() for name in table.fieldnames or []]
        for number, row in enumerate(table, start=2):
            where = f"{archive.filename}: {member}, line {number}"
            try:
                label, usage = int(row["emotion"]), row["Usage"].strip()
                pixels = np.array(row["pixels"].split(), dtype=np.int64)
            except (ValueError, AttributeError, TypeError) as error:
                raise UserError(f"this row can't be read: {error}", where=where) from None
            if not 0 <= label < len(FER_CLASSES) or usage not in SPLITS:
                raise UserError(f"emotion {label}, usage '{usage}': not a class or split of FER-2013", where=where)
            if pixels.size != SIDE * SIDE or pixels.min() < 0 or pixels.max() > 255:
                raise UserError(f"{pixels.size} pixels, or one outside 0-255; {SIDE * SIDE} are needed", where=where)
            rows[SPLITS[usage]].append((pixels.astype(np.uint8).reshape(SIDE, SIDE), label, f"{usage}_{number - 2}"))
    return {
        split: _image_set(
            np.array([pixels for pixels, _, _ in part], dtype=np.uint8).reshape(-1, SIDE, SIDE),
            np.array([label for _, label, _ in part], dtype=np.int64),
            [name for _, _, name in part],
            split,
        )
        for split, part in rows.items()
    }


def _image_set(images: np.ndarray, labels: np.ndarray, ids: list[str], split: str) -> ImageSet:
    n = len(ids)
    return ImageSet(images, labels, FER_CLASSES, tuple(ids), ("",) * n, ("fer2013",) * n, split)
