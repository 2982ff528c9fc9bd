"""Any picture of one face as the networks know faces: upright, grey or in colour (RGB), 8 bits, 48x48.

The one way in for pictures, of a dataset or of a user. What a picture means is never guessed: where its range of values
can't be told, it is refused.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import IO, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ferlab.data.colour import GREY, MODES, NAMES
from ferlab.data.images import SIDE
from ferlab.datasets.content import what_is

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is read; Pillow would hand other formats to other programs (PostScript to Ghostscript)."""

LARGEST = 2**26  # pixels; above what most cameras take
_RANGES = (255, 4095, 65535)  # the highest values of 8, 12 and 16 bits
_SIGNED_16, _SIGNED, _UNSIGNED = 2**15 - 1, 2**31 - 1, 2**32 - 1  # the same of 16 and 32 where it is known
_FILLED = 4  # a range is believed if the brightest value lies above this part of it
_ORIENTATION, _TURNS = 0x0112, range(2, 9)  # EXIF's tag, and its values that mean a turn
_INVERTED = (262, 0)  # TIFF's tag and value: 0 is white
_BITS, _SAMPLES = 258, 339  # TIFF's tags: bits of a value, and whether it has a sign
_PLANES = (284, 2)  # TIFF's tag and value: each colour lies alone
_KIND, _PREVIEW = 254, 1  # TIFF's tag, and its bit that means a smaller copy of another picture in the file
_WIDE = ("I", "F")
T = TypeVar("T")


class PictureError(ValueError):
    """Why a picture can't become a face, to be read after its name."""


class Upright(NamedTuple):
    """A picture upright and of 8 bits, of its own size: in grey (luma, ITU-R BT.601) or in RGB.

    Attributes:
        mode: Pillow's name for what it was before, "L" being grey. steps: what else was done to it.
    """

    picture: Image.Image
    mode: str
    steps: tuple[str, ...]


def read_face(
    source: IO[bytes], largest: int = LARGEST, *, squeeze: bool = True, channels: int = GREY
) -> tuple[NDArray[np.uint8], str]:
    """A picture as a person would see it, made a face.

    Transparent parts lie on white, of several pictures the first counts, the camera's turn is undone. More than 8 bits
    are scaled by the range that they fill.

    Args:
        source: a file open for reading.
        largest: pixels that it may have at most.
        squeeze: whether a picture that isn't square is squeezed; else it is refused.
        channels: 1 makes it grey, 3 RGB; of a grey picture all three are equal.

    Returns:
        uint8 (48, 48) or (48, 48, 3), 0-255; and how it was changed to become that, "" if it was that already.

    Raises:
        PictureError: it can't be read, is far too large, or nobody can tell what its values mean.
    """
    return _read(source, largest, partial(_face, squeeze=squeeze, channels=channels))


def read_upright(source: IO[bytes], channels: int = GREY, largest: int = LARGEST) -> Upright:
    """The same without changing its size or its shape.

    Raises:
        PictureError: it can't be read, is far too large, or nobody can tell what its values mean.
    """
    return _read(source, largest, partial(_upright, channels=channels))


def _read(source: IO[bytes], largest: int, make: Callable[[Image.Image], T]) -> T:
    """What is made of a picture, which no decoder's error leaves as a traceback."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes, which are checked here, and of odd metadata
        try:
            with Image.open(source, formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > largest:
                    raise PictureError(f"is {width}x{height}, far more pixels than a picture of a face should have")
                return make(picture)
        except PictureError:
            raise
        except Image.DecompressionBombError:
            raise PictureError("has far more pixels than a picture of a face should have") from None
        except UnidentifiedImageError:
            source.seek(0)
            found = what_is(source.read(512))
            damaged = found in [f"a {kind} picture" for kind in FORMATS]
            way = ": convert it" if "picture" in found else ""
            why = ", but damaged, or of a rare kind" if damaged else f"; read are {', '.join(FORMATS)}{way}"
            raise PictureError(f"can't be decoded: it is {found}{why}") from None
        except Exception as error:  # decoders raise anything over damaged files
            raise PictureError(f"can't be decoded: it is cut off or damaged ({type(error).__name__})") from None


def _face(picture: Image.Image, squeeze: bool, channels: int) -> tuple[NDArray[np.uint8], str]:
    width, height = picture.size
    if width != height and not squeeze:
        raise PictureError(f"is {width}x{height}, not a square picture of one face")
    upright, mode, steps = _upright(picture, channels)
    square = upright.resize((SIDE, SIDE), Image.Resampling.BILINEAR) if upright.size != (SIDE, SIDE) else upright
    if (mode, *upright.size) == (MODES[channels], SIDE, SIDE) and not steps:
        return np.asarray(square), ""
    became = f"{mode} {upright.width}x{upright.height} became {NAMES[channels]} {SIDE}x{SIDE}"
    return np.asarray(square, dtype=np.uint8), "; ".join([became, *steps])


def _upright(picture: Image.Image, channels: int) -> Upright:
    _refuse_what_misleads(picture)
    many = getattr(picture, "is_animated", False)
    deep = any(
        ";16" in str(tile) or "65535" in str(tile) for tile in getattr(picture, "tile", [])
    )  # known until it is loaded
    turned = picture.getexif().get(_ORIENTATION) in _TURNS
    upright = ImageOps.exif_transpose(picture) if turned else picture
    if upright.mode.split(";")[0] in _WIDE:
        made, how = _from_wide(upright, getattr(picture, "tag_v2", {}))
        made = made.convert(MODES[channels])
    else:
        made, how = _from_bytes(upright, MODES[channels])
    if deep and 0 < np.asarray(made).max() <= 255 // _FILLED:
        raise PictureError("is almost black in 16 bits a channel, or has fewer bits than that: save it with 8 bits")
    steps = ["the first of several pictures"] * many + ["turned upright"] * turned + [how] * bool(how)
    return Upright(made, upright.mode, tuple(steps))


def _refuse_what_misleads(picture: Image.Image) -> None:
    """Kinds that Pillow opens as another picture than the one that was meant, without a word."""
    tags, tiles = getattr(picture, "tag_v2", {}), getattr(picture, "tile", [])
    raw = any(str(tile[0]) == "raw" for tile in tiles)
    if raw and tags.get(_PLANES[0]) == _PLANES[1] and max(tags.get(_BITS, (8,))) > 8:  # two planes are read as one
        raise PictureError("has 16 bits a colour, each colour alone and not packed, which isn't read: save it with 8")
    if tags.get(_KIND, 0) & _PREVIEW:
        raise PictureError("begins with a small preview, as a camera's raw file does: save it as JPEG or PNG")
    if picture.format in ("JPEG", "MPO") and picture.mode == "CMYK" and "adobe" not in picture.info:
        raise PictureError(
            "is in CMYK without Adobe's mark, so that it can't be told from its negative: save it in grey or RGB"
        )


def _from_bytes(picture: Image.Image, mode: str) -> tuple[Image.Image, str]:
    """In a mode of 8 bits a channel, what shows through being white."""
    if getattr(picture, "tag_v2", {}).get(_SAMPLES, (1,)) == (2,):
        raise PictureError("has values of 8 bits with a sign, which aren't read: save it without")
    if picture.mode == "LAB":  # which Pillow converts to nothing
        raise PictureError("is in the colours of LAB, which aren't read: save it in grey or RGB")
    if not picture.has_transparency_data:
        return picture.convert(mode), ""
    colour = picture.convert("RGBA")
    shown = colour.getchannel("A").getextrema()
    if shown == (0, 0):
        raise PictureError("is transparent throughout, so that nothing is to be seen: save it without transparency")
    if shown == (255, 255):
        return colour.convert(mode), ""
    white = Image.new("RGBA", colour.size, "white")
    return Image.alpha_composite(white, colour).convert(mode), "transparent parts laid on white"


def _from_wide(picture: Image.Image, tags: Any) -> tuple[Image.Image, str]:
    """Grey of 16 or 32 bits or of floats, in 8 bits.

    Several ranges are usual in such files, and none is written in them: the one is taken that the brightest value fills
    to more than a quarter. Fewer bits are had by a shift, which is right for values of 8 bits times 256 and times 257.
    """
    values = np.asarray(picture)
    tops: tuple[int, ...] = (*_RANGES, _SIGNED)
    if picture.mode == "F":
        tops = (1, *_RANGES, _UNSIGNED)
    elif tags.get(_BITS) == (32,) and tags.get(_SAMPLES, (1,)) == (1,):
        values, tops = values.astype(np.int32).view(np.uint32), (*_RANGES, _UNSIGNED)  # Pillow gives them a sign
    elif tags.get(_BITS) == (16,) and tags.get(_SAMPLES) == (2,):
        tops = (*_RANGES[:-1], _SIGNED_16)
    low, high = values.min(), values.max()
    if not np.isfinite((low, high)).all() or "transparency" in picture.info:
        raise PictureError(f"has values in mode {picture.mode} that are no grey levels (NaN, infinite or transparent)")
    top = 255 if high == 0 else next((top for top in tops if top / _FILLED < high <= top), None)
    if low < 0 or top is None:
        raise PictureError(
            f"has values from {low:g} to {high:g} in mode {picture.mode}, which don't say what is black and white: "
            "save it with 8 bits"
        )
    whole = top > 1 and bool((values == np.rint(values)).all())
    grey = values.astype(np.int64) * 256 // (top + 1) if whole else np.rint(values * (255 / top))
    grey = np.minimum(grey, 255)  # a float can't hold 2**32 - 1
    if tags.get(_INVERTED[0]) == _INVERTED[1]:
        grey = 255 - grey
    return Image.fromarray(grey.astype(np.uint8)), f"values 0-{top:,} scaled to 0-255" if top != 255 else ""
