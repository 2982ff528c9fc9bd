"""The recipe that turns faces into numbers. It is code, not trained weights: everyone has it, and it has seen nothing.

Histograms of oriented gradients with a linear classifier tell expressions apart well enough to judge by, and an
Inception network, which has seen photographs in colour at 299 pixels, is far from small faces at 48.
"""

import numpy as np
from numpy.typing import NDArray

from ferlab.data.gradients import oriented_gradients

ORIENTATIONS, CELL, BLOCK = 9, 8, 2  # Dalal & Triggs 2005


def hog(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Histograms of oriented gradients (Dalal & Triggs 2005): 9 orientations, cells of 8x8 pixels, blocks of 2x2 cells.

    Args:
        images: uint8 (N, 48, 48), or in RGB, of which the grey levels count.

    Returns:
        float64 (N, 900), each block clipped and of length at most 1; zeros for a constant image.
    """
    return oriented_gradients(images, ORIENTATIONS, CELL, BLOCK)
