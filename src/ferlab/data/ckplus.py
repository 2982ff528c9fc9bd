"""CK+48: the last three frames of each labelled sequence of CK+ (Lucey et al. 2010), cropped to 48x48."""

import re
import zipfile
from pathlib import PurePosixPath

import numpy as np

from ferlab.data.archive import picture_members, read_pictures
from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES, standard_name
from ferlab.errors import UserError

PUBLISHED = (135, 54, 177, 75, 207, 84, 249)
"""Images a class of the circulating CK+48, in the order of CKPLUS_CLASSES (981 in all, the paper's number)."""

_FILE = re.compile(r"^(S\d+)_(\d+)_(\d+)$", re.IGNORECASE)


def is_member(member: str) -> bool:
    """Whether a picture's name has the form `Sxxx_yyy_zzzzzzzz` (subject, sequence, frame)."""
    return _FILE.match(PurePosixPath(member).stem) is not None


def read_folders(archive: zipfile.ZipFile) -> ImageSet:
    """Read `<any>/<class>/Sxxx_yyy_zzzzzzzz.<ext>`.

    Returns:
        The whole dataset as one ImageSet with subjects, sorted by subject, sequence and frame.

    Raises:
        UserError: a folder that is no class of CK+, or a picture that can't be read.
    """
    rows = []
    for member in picture_members(archive):
        path = PurePosixPath(member)
        match, name = _FILE.match(path.stem), standard_name(path.parent.name)
        if not match:
            continue
        if name not in CKPLUS_CLASSES:
            raise UserError(
                f"the folder '{path.parent.name}' is no class of CK+",
                where=f"{archive.filename}: {member}",
                next_step=f"the classes are {', '.join(CKPLUS_CLASSES)}",
            )
        rows.append((path.stem.upper(), member, match[1].upper(), CKPLUS_CLASSES.index(name)))
    rows.sort()
    members = [member for _, member, _, _ in rows]
    return ImageSet(
        images=read_pictures(archive, members),
        labels=np.array([label for _, _, _, label in rows], dtype=np.int64),
        classes=CKPLUS_CLASSES,
        ids=tuple(members),
        subjects=tuple(subject for _, _, subject, _ in rows),
        origins=("ckplus",) * len(rows),
        split="all",
    )


def sequence(image_id: str) -> str:
    """The sequence that a frame belongs to: `Sxxx_yyy`."""
    return "_".join(PurePosixPath(image_id).stem.upper().split("_")[:2])
