"""One way in for every form in which people hold the two datasets."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ferlab.data import ckplus, fer2013
from ferlab.data.archive import open_archive, picture_members
from ferlab.data.images import ImageSet
from ferlab.errors import UserError

FER2013, CKPLUS = "fer2013", "ckplus"


@dataclass(frozen=True)
class Form:
    """A way in which a dataset is packed: which dataset, a name for people, and how to read it."""

    dataset: str
    name: str
    read: Callable[[zipfile.ZipFile], dict[str, ImageSet]]


def recognise(archive: zipfile.ZipFile) -> Form | None:
    """The form of an archive, judged by the names in it; None if it is neither dataset."""
    pictures = picture_members(archive)
    if any(ckplus.is_member(member) for member in pictures):
        return Form(CKPLUS, "CK+48 in folders with subjects", lambda a: {"all": ckplus.read_folders(a)})
    if pictures:
        return Form(FER2013, "FER-2013 in folders", fer2013.read_folders)
    for member in archive.namelist():
        if member.lower().endswith(".csv"):
            with archive.open(member) as raw:
                header = io.TextIOWrapper(raw, encoding="utf-8", errors="replace").readline()
            if fer2013.is_csv(header):
                return Form(FER2013, f"FER-2013 as a table ({member})", partial(fer2013.read_csv, member=member))
    return None


def read(path: Path) -> tuple[Form, dict[str, ImageSet]]:
    """Recognise and read one archive.

    Returns:
        The form found, and the sets by split: `train`, `valid`, `test` for FER-2013, `all` for CK+.

    Raises:
        UserError: absent, not a zip, cut off, neither dataset, or a split without images.
    """
    with open_archive(path) as archive:
        form = recognise(archive)
        sets = form.read(archive) if form else {}
    if form is None or not any(map(len, sets.values())):
        raise UserError(
            "this archive is neither FER-2013 nor CK+48",
            where=str(path),
            next_step="FER-2013: <split>/<class>/Training_*.jpg … or fer2013.csv; CK+48: <class>/Sxxx_yyy_zzzzzzzz.png",
        )
    for split, images in sets.items():
        if not len(images):
            raise UserError(f"{form.name}: the split '{split}' has no images", where=str(path))
    return form, sets


def differences(dataset: str, sets: Mapping[str, ImageSet]) -> list[str]:
    """How the counts differ from the published dataset's: one line a split and class, empty if they agree."""
    published = fer2013.PUBLISHED if dataset == FER2013 else {"all": ckplus.PUBLISHED}
    return [
        f"{split}/{name}: {found} images, published {expected}"
        for split, images in sets.items()
        for (name, found), expected in zip(images.counts().items(), published[split], strict=True)
        if found != expected
    ]
