"""The faces of a picture file, each as the classifiers know faces: grey or RGB, 8 bits, square, filled by the face."""

from dataclasses import dataclass
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ferlab.data.colour import GREY, MODES, NAMES
from ferlab.data.images import SIDE
from ferlab.datasets.picture import read_upright
from ferlab.detection.detector import Box, find_faces


@dataclass(frozen=True)
class Face:
    """One face: where it is in the upright picture, and its pixels, uint8 (side, side[, 3]), 0-255."""

    box: Box
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """What a picture shows.

    Attributes:
        width, height: in pixels, once it is upright.
        how: `as_is`: it has a face's size already; `detected`: faces were searched for; `whole`: its middle square is
            taken as one face.
        faces: from the largest to the smallest; none where none was found.
        change: what was done to it, for people; "" for nothing.
    """

    width: int
    height: int
    how: Literal["as_is", "detected", "whole"]
    faces: tuple[Face, ...]
    change: str


def read_faces(source: IO[bytes], side: int = SIDE, channels: int = GREY, *, whole: bool = False) -> Picture:
    """Find the faces of a picture file. A picture of side x side pixels is a face already, and isn't searched.

    Args:
        source: a file open for reading.
        side: pixels, of the faces that the classifier was trained on.
        channels: of these faces, 1 (grey) or 3 (RGB).
        whole: take a picture as one face, the middle of one that isn't square, as of the data sets' pictures.

    Raises:
        PictureError: the picture can't be read, as `read_upright` says.
    """
    upright, mode, steps = read_upright(source, channels)
    width, height = upright.size
    how: Literal["as_is", "detected", "whole"] = "detected"
    if whole or upright.size == (side, side):
        how, boxes = "as_is" if upright.size == (side, side) else "whole", [_middle(width, height)]
        if how == "whole" or mode != MODES[channels] or steps:
            steps = steps if width == height else (*steps, "its middle square is taken")
            steps = (f"{mode} {width}x{height} became {NAMES[channels]} {side}x{side}", *steps)
    else:
        boxes = find_faces(upright.convert(MODES[GREY]))
    faces = tuple(Face(box, _square(upright.crop(box.corners), side)) for box in boxes)
    return Picture(width, height, how, faces, "; ".join(steps))


def _middle(width: int, height: int) -> Box:
    edge = min(width, height)
    return Box((width - edge) // 2, (height - edge) // 2, edge, edge)


def _square(crop: Image.Image, side: int) -> NDArray[np.uint8]:
    """Resized as the data sets' pictures are, so that a face cut out by hand is answered the same."""
    return np.asarray(crop.resize((side, side), Image.Resampling.BILINEAR), dtype=np.uint8)
