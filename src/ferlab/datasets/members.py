"""What lies in an archive of a data set of any size: texts, and pictures made square images of one side and kind."""

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ferlab.data.colour import GREY
from ferlab.data.images import Faces
from ferlab.datasets.archive import DAMAGE, odd
from ferlab.datasets.picture import PictureError, read_upright
from ferlab.errors import UserError

MOST_FILES = 2_000_000  # in an archive; AffectNet has an image and four small files a face, 1.5 million
LARGEST_PICTURE = 2**25  # bytes
LARGEST_TOTAL = 2**34  # bytes that all pictures unpack to, and that they take as images
LARGEST_TEXT = 2**24  # bytes; RAF-DB's list has 300 thousand
_GREY = {"1", "L", "LA", "La", "I", "F"}  # Pillow's modes without colour, before what follows a semicolon

Box = tuple[int, int, int, int]
"""A part of a picture in pixels: left, upper, right and lower edge, the last two outside."""
Cut = Callable[[str, int, int], Box | None]
"""The square part to use of a picture, by its name, width and height; None: its middle. It may raise MemberError."""


class MemberError(ValueError):
    """Why a file can't be used, to be read after its name."""


class Squared(NamedTuple):
    """Pictures made images of one size.

    Attributes:
        images: uint8 (N, side, side) or (N, side, side, 3), 0-255.
        problems: why one can't be used, by its index; its image is black.
        notices: what was done to how many.
    """

    images: NDArray[np.uint8]
    problems: dict[int, str]
    notices: list[str]


def read_member(archive: zipfile.ZipFile, member: str, largest: int = LARGEST_TEXT) -> bytes:
    """A file's content.

    Raises:
        MemberError: it is a link, encrypted, outside its archive, damaged, or unpacks to more than `largest` bytes.
    """
    info = archive.getinfo(member)
    if what := odd(info, largest):
        raise MemberError(what)
    try:
        return archive.read(info)
    except (*DAMAGE, OSError, NotImplementedError) as error:
        raise MemberError(f"can't be unpacked ({type(error).__name__})") from None


def read_lines(archive: zipfile.ZipFile, member: str) -> list[str]:
    """A text's lines, without blanks at their ends; bytes that are no UTF-8 are replaced.

    Raises:
        MemberError: as `read_member`.
    """
    return [line.strip() for line in read_member(archive, member).decode("utf-8-sig", errors="replace").splitlines()]


def read_squares(
    archive: zipfile.ZipFile, members: Sequence[str], side: int, cut: Cut | None = None, channels: int = GREY
) -> Squared:
    """Decode pictures of any size, kind and colour.

    Colours become grey by their luma (ITU-R BT.601), unless three channels are asked for; transparent parts lie on
    white, the camera's turn is undone. Of a picture that isn't square the middle is used, unless `cut` says which part.
    What is left is scaled by a filter that averages where it makes pictures smaller (Pillow's BILINEAR).

    Args:
        members: N names of pictures.
        side: pixels.
        cut: which part to use of each.
        channels: 1 (grey) or 3 (RGB; of a grey picture all three are equal).

    Raises:
        UserError: the pictures unpack to far more than a data set does, or the images would fill far too much memory.
    """
    unpacked = sum(archive.getinfo(member).file_size for member in members)
    for total, what in ((unpacked, "unpack to"), (len(members) * side * side * channels, f"at {side}x{side} take")):
        if total > LARGEST_TOTAL:
            raise UserError(
                f"the {len(members):,} pictures {what} {total:,} bytes; at most {LARGEST_TOTAL:,} are read",
                where=str(archive.filename),
                next_step="make the pictures smaller, or give a part of them",
            )
    images = np.zeros((len(members), *Faces(side=side, channels=channels).shape), dtype=np.uint8)
    problems = dict[int, str]()
    sizes, steps, middles, coloured = Counter[tuple[int, int]](), Counter[str](), 0, 0
    for i, member in enumerate(members):
        try:
            picture, mode, how = read_upright(io.BytesIO(read_member(archive, member, LARGEST_PICTURE)), channels)
            box = cut(member, *picture.size) if cut else None
        except (MemberError, PictureError) as error:
            problems[i] = str(error)
            continue
        sizes[picture.size] += 1
        steps.update(how)
        middles += box is None and picture.width != picture.height
        coloured += mode.split(";")[0] not in _GREY
        images[i] = scaled(picture, side, box or _middle(picture))
    notices = _sizes(sizes, side)
    notices += _colours(coloured, sizes.total() - coloured, channels)
    notices += [f"of {middles} pictures that aren't square the middle is used"] * bool(middles)
    notices += [f"{n} pictures: {step}" for step, n in steps.most_common(3)]
    return Squared(images, problems, notices)


def scaled(picture: Image.Image, side: int, box: Box | None = None) -> NDArray[np.uint8]:
    """A picture of mode L or RGB, or a square part of it, as uint8 (side, side) or (side, side, 3)."""
    part = picture.crop(box) if box else picture
    return np.asarray(part if part.size == (side, side) else part.resize((side, side), Image.Resampling.BILINEAR))


def _middle(picture: Image.Image) -> Box | None:
    edge = min(picture.size)
    if picture.size == (edge, edge):
        return None
    left, upper = (picture.width - edge) // 2, (picture.height - edge) // 2
    return left, upper, left + edge, upper + edge


def _colours(coloured: int, grey: int, channels: int) -> list[str]:
    """How many pictures lost their colour, or never had one."""
    if channels == GREY:
        return [f"{coloured} pictures became grey: colours aren't kept"] * bool(coloured)
    return [f"{grey} pictures are grey: their three channels are equal"] * bool(grey)


def _sizes(sizes: Counter[tuple[int, int]], side: int) -> list[str]:
    """How many pictures had another size than asked for, and which sizes these were."""
    others = sorted((size for size in sizes if size != (side, side)), key=lambda size: (size[0] * size[1], size))
    if not others:
        return []
    low, high = (f"{width}x{height}" for width, height in (others[0], others[-1]))
    which = f"of {low}" if len(others) == 1 else f"of {len(others)} sizes from {low} to {high}"
    enlarged = sum(sizes[size] for size in others if min(size) < side)
    larger = f", {enlarged} of them enlarged" if enlarged else ""
    return [f"{sum(sizes[size] for size in others)} pictures {which} were scaled to {side}x{side}{larger}"]
