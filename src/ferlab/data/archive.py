"""Pictures inside a zip archive: listed, decoded, checked."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ferlab.data.images import SIDE
from ferlab.errors import UserError

PICTURES = {".jpg", ".jpeg", ".png", ".pgm"}
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)  # the last: encrypted, or packed in an unknown way
_AGAIN = "it may have been cut off or changed on its way: download it again"


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive for reading.

    Raises:
        UserError: absent, not a zip, cut off, or (while it is read) damaged inside.
    """
    if not path.is_file():
        raise UserError("no such file", where=str(path), next_step="check the name, or download the archive again")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(
            f"not a whole zip archive ({error}); {path.stat().st_size:,} bytes long",
            where=str(path),
            next_step=_AGAIN,
        ) from None
    with archive:
        try:
            yield archive
        except _DAMAGE as error:
            raise UserError(
                f"a part of this archive can't be read: {error}", where=str(path), next_step=_AGAIN
            ) from None


def picture_members(archive: zipfile.ZipFile) -> list[str]:
    """Names of the pictures in an archive, sorted; what operating systems leave among them is left out."""
    names = (n for n in archive.namelist() if PurePosixPath(n).suffix.lower() in PICTURES)
    return sorted(n for n in names if "__MACOSX" not in n and not PurePosixPath(n).name.startswith("._"))


def read_pictures(archive: zipfile.ZipFile, members: list[str]) -> NDArray[np.uint8]:
    """Decode pictures.

    Returns:
        uint8 (N, 48, 48), 0-255.

    Raises:
        UserError: a picture can't be decoded, isn't 48x48, or isn't 8-bit grey; it is named.
    """
    images = np.empty((len(members), SIDE, SIDE), dtype=np.uint8)
    for i, member in enumerate(members):
        try:
            with Image.open(io.BytesIO(archive.read(member))) as picture:
                picture.load()
        except (*_DAMAGE, OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
            raise _bad(archive, member, f"can't be decoded ({error})") from None
        if picture.mode != "L" or picture.size != (SIDE, SIDE):
            width, height = picture.size
            raise _bad(archive, member, f"is {width}x{height} in mode {picture.mode}, not {SIDE}x{SIDE} 8-bit grey (L)")
        images[i] = np.asarray(picture)
    return images


def _bad(archive: zipfile.ZipFile, member: str, problem: str) -> UserError:
    return UserError(
        f"the picture {member} {problem}", where=str(archive.filename), next_step="get a whole copy of the archive"
    )
