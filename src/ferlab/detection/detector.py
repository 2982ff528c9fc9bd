"""Where the faces of a picture are: a cascade of multi-block LBP features (Liao et al. 2007; Viola and Jones 2004).

scikit-image has the cascade and ships OpenCV's weights for upright frontal faces. It draws nothing at random, and runs
in one thread, so that equal pictures have equal boxes. It gives no probability of a box.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
from PIL import Image

LONGEST = 640  # pixels: the longer side of the picture that is searched; a larger one is made smaller first
SMALLEST = 48  # pixels in that picture: of smaller windows most are no faces
SCALE = 1.1  # from one window's size to the next
NEIGHBOURS = 5  # windows that must agree on a face
_SHARED = 0.5  # of the smaller box: two boxes that share more are one face
_MARGIN = 4  # a picture is continued by its edges' grey, by its shorter side over this, for faces that fill it


@dataclass(frozen=True)
class Box:
    """A part of a picture, in pixels, from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    def shared_with(self, other: Self) -> float:
        """Which part of the smaller box the other covers, 0-1."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        smaller = min(self.width * self.height, other.width * other.height)
        return max(across, 0) * max(down, 0) / smaller

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Left, upper, right, lower, as Pillow takes them."""
        return self.x, self.y, self.x + self.width, self.y + self.height


def find_faces(grey: Image.Image) -> list[Box]:
    """The upright frontal faces of a picture, from the largest to the smallest.

    A box is a face as FER-2013 crops it, without further margin: FER-2013's images were cropped by such a detector
    (Goodfellow et al. 2015), and the boxes that are found in 250 of them lie in their middle (median of the centre 0.50
    of the side) and are nearly as large (median 0.95).

    Args:
        grey: of mode L. Faces below a thirteenth of its longer side aren't searched for.

    Returns:
        squares that lie in the picture.
    """
    width, height = grey.size
    scale = min(1.0, LONGEST / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    margin = min(size) // _MARGIN
    small = grey if size == grey.size else grey.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    searched = np.pad(np.asarray(small), margin, mode="edge")
    windows = _cascade().detect_multi_scale(
        searched,
        scale_factor=SCALE,
        step_ratio=1,
        min_size=(SMALLEST, SMALLEST),
        max_size=searched.shape,
        min_neighbor_number=NEIGHBOURS,
    )
    boxes = []
    for window in windows:
        side = min(round(window["width"] / scale), width, height)
        x, y = (round((window[key] - margin) / scale) for key in ("c", "r"))
        boxes.append(Box(min(max(x, 0), width - side), min(max(y, 0), height - side), side, side))
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: (-box.width, box.y, box.x)):
        if all(box.shared_with(other) <= _SHARED for other in kept):
            kept.append(box)
    return kept


@cache
def _cascade() -> Any:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    weights: Any = lbp_frontal_face_cascade_filename  # comes without types
    return Cascade(weights())
