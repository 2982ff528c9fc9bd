"""Drawn faces on larger pictures: what a camera's picture is to a face detector, with nobody in it."""

from collections.abc import Mapping

import numpy as np
from PIL import Image

from ferlab.datasets.demo import PERSON, POSED, WOBBLE
from ferlab.datasets.faces import draw_face

_PERSON, _MOMENT, _WOBBLE = (
    {name: (low + high) // 2 for name, (low, high) in ranges.items()} for ranges in (PERSON, POSED, WOBBLE)
)
EXPRESSIONS = ("neutral", "happy", "sad", "surprise", "angry")
FACES = [draw_face(expression, _PERSON, _MOMENT, _WOBBLE, noise=expression) for expression in EXPRESSIONS]


def scene(size: tuple[int, int], faces: Mapping[tuple[int, int], int]) -> Image.Image:
    """A grey slope of this width and height with a face at each place: its upper left corner -> its side in pixels."""
    width, height = size
    picture = Image.fromarray(np.tile(np.linspace(90, 160, width).astype(np.uint8), (height, 1)))
    for face, (place, side) in zip(FACES, faces.items(), strict=False):
        picture.paste(Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC), place)
    return picture
