"""Any picture of one face as the networks know faces: upright, grey, 48x48."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ferlab.data.images import SIDE


def read_face(path: Path) -> tuple[NDArray[np.uint8], str]:
    """A picture as uint8 (48, 48), and how it was changed to become that ("" if it was that already).

    Raises:
        OSError, ValueError, SyntaxError: it can't be read as a picture.
    """
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture)
        grey = upright.convert("L")
        change = f"{upright.mode} {upright.width}x{upright.height} became grey {SIDE}x{SIDE}"
        if (upright.mode, upright.size) == ("L", (SIDE, SIDE)):
            change = ""
        if grey.size != (SIDE, SIDE):
            grey = grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return np.asarray(grey, dtype=np.uint8), change
