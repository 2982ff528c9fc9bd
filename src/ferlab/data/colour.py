"""Colour: sets are grey (one channel) or RGB (three), and what is defined on grey levels sees grey ones of both."""

import numpy as np
from numpy.typing import NDArray

GREY, RGB = 1, 3
"""Numbers of channels."""

MODES = {GREY: "L", RGB: "RGB"}
"""Pillow's names for such pictures of 8 bits."""

NAMES = {GREY: "grey", RGB: "RGB"}
"""What people call them."""

_SHARES = (19_595, 38_470, 7_471)  # of red, green and blue, in 65536ths: 0.299, 0.587 and 0.114
LUMA = tuple(share / 2**16 for share in _SHARES)
"""How much red, green and blue count for grey (ITU-R BT.601), as Pillow has it; they add up to 1."""

Images = NDArray[np.uint8]
"""uint8 (N, side, side), grey, or (N, side, side, 3), RGB; 0-255."""


def channels_of(images: Images) -> int:
    """1 of grey images, 3 of RGB ones."""
    return GREY if images.ndim == 3 else images.shape[3]


def to_grey(images: Images) -> Images:
    """Grey images uint8 (N, side, side), to the bit as Pillow converts RGB to L; grey ones are returned as they are."""
    if images.ndim == 3:
        return images
    total = np.full(images.shape[:3], 2**15, np.uint32)  # a half, so that the shift rounds
    for channel, share in enumerate(_SHARES):
        total += images[..., channel] * np.uint32(share)
    return (total >> 16).astype(np.uint8)


def to_channels(images: Images, channels: int) -> Images:
    """Images of so many channels: grey ones get three equal channels, RGB ones lose their colour, others are returned.

    Args:
        channels: 1 or 3.
    """
    if channels_of(images) == channels:
        return images
    return to_grey(images) if channels == GREY else np.repeat(images[..., None], RGB, axis=3)
