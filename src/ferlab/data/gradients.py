"""Histograms of oriented gradients (Dalal & Triggs 2005), scikit-image's."""

import numpy as np
from numpy.typing import NDArray

from ferlab.data.colour import to_grey


def oriented_gradients(images: NDArray[np.uint8], orientations: int, cell: int, block: int) -> NDArray[np.float64]:
    """Describe each image by itself.

    Args:
        images: uint8 (N, side, side), or in RGB, of which the grey levels count.
        orientations: bins of a histogram.
        cell: pixels along the side of a cell, which has one histogram.
        block: cells along the side of a block, in which histograms are made comparable (L2-Hys).

    Returns:
        float64 (N, features), each block clipped and of length at most 1; zeros for a constant image.
    """
    from skimage.feature import hog  # late: most of what imports this module needs it seldom, and it costs a second

    blocks = images.shape[1] // cell - block + 1
    rows = np.empty((len(images), blocks**2 * block**2 * orientations))
    for row, image in zip(rows, to_grey(images), strict=True):
        row[:] = hog(image, orientations, (cell, cell), (block, block), "L2-Hys")
    return rows
