"""Fixed features of a face: its pixels, histograms of oriented gradients, histograms of local binary patterns."""

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import SIDE
from ferlab.params import Features, HogFeatures, LbpFeatures

PATTERNS = 59  # uniform patterns of 8 points: 58, and one bin for all others (Ojala et al. 2002)


def extract(images: NDArray[np.uint8], settings: Features) -> NDArray[np.float64]:
    """Features of each image by itself.

    Args:
        images: uint8 (N, 48, 48).
        settings: `pixels` (grey levels in 0-1), `hog` (Dalal & Triggs 2005, scikit-image's) or `lbp` (Ahonen et al.
            2006: a histogram of uniform patterns, in 0-1, for each cell of a grid).

    Returns:
        float64 (N, features).
    """
    if isinstance(settings, HogFeatures):
        return _each(images, lambda image: _hog(image, settings))
    if isinstance(settings, LbpFeatures):
        return _each(images, lambda image: _lbp(image, settings))
    return images.reshape(len(images), SIDE * SIDE) / 255.0


def _each(images: NDArray[np.uint8], describe) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    width = len(describe(np.zeros((SIDE, SIDE), np.uint8)))
    rows = np.empty((len(images), width))
    for row, image in zip(rows, images, strict=True):
        row[:] = describe(image)
    return rows


def _hog(image: NDArray[np.uint8], settings: HogFeatures) -> NDArray[np.float64]:
    from skimage.feature import hog  # late: only these rows need it

    cell, block = (settings.cell, settings.cell), (settings.block, settings.block)
    rows: NDArray[np.float64] = hog(image, settings.orientations, cell, block, block_norm="L2-Hys")
    return rows


def _lbp(image: NDArray[np.uint8], settings: LbpFeatures) -> NDArray[np.float64]:
    from skimage.feature import local_binary_pattern

    codes = local_binary_pattern(image, 8, settings.radius, "nri_uniform").astype(np.int64)  # type: ignore[no-untyped-call]
    cell = SIDE // settings.grid
    cells = codes.reshape(settings.grid, cell, settings.grid, cell).swapaxes(1, 2).reshape(settings.grid**2, -1)
    places = cells + PATTERNS * np.arange(len(cells))[:, None]
    counts = np.bincount(places.ravel(), minlength=PATTERNS * len(cells))
    share: NDArray[np.float64] = counts / cell**2
    return share
