"""Fixed features of a face: its pixels, histograms of gradients or of local binary patterns, pooled descriptors."""

from math import prod

import numpy as np
from numpy.typing import NDArray

from ferlab.classifiers.sift import WIDTH, Grid, dense_sift
from ferlab.data.colour import to_grey
from ferlab.data.gradients import oriented_gradients
from ferlab.params import Features, HogFeatures, LbpFeatures, SiftFeatures

PATTERNS = 59  # uniform patterns of 8 points: 58, and one bin for all others (Ojala et al. 2002)


def extract(images: NDArray[np.uint8], settings: Features) -> NDArray[np.float64]:
    """Features of each image by itself.

    Args:
        images: uint8 (N, side, side), or in RGB. All but `pixels` are of the grey levels alone.
        settings: `pixels` (levels of all channels in 0-1), `hog` (Dalal & Triggs 2005, scikit-image's) or `lbp` (Ahonen
            et al. 2006: a histogram of uniform patterns, in 0-1, for each cell of a grid) or `sift` (Lowe 2004: the
            mean, in 0-1, of the descriptors of each size whose centres are in a cell of a grid; 0 in a cell that has
            none).

    Returns:
        float64 (N, features).
    """
    if isinstance(settings, HogFeatures):
        return oriented_gradients(images, settings.orientations, settings.cell, settings.block)
    if isinstance(settings, LbpFeatures):
        return _lbp(to_grey(images), settings)
    if isinstance(settings, SiftFeatures):
        return _sift(images, settings)
    return images.reshape(len(images), prod(images.shape[1:])) / 255.0


def _lbp(images: NDArray[np.uint8], settings: LbpFeatures) -> NDArray[np.float64]:
    from skimage.feature import local_binary_pattern  # late: only these rows need it

    grid, cell = settings.grid, images.shape[1] // settings.grid
    shares = np.empty((len(images), grid**2 * PATTERNS))
    for row, image in zip(shares, images, strict=True):
        codes = local_binary_pattern(image, 8, settings.radius, "nri_uniform").astype(np.int64)  # type: ignore[no-untyped-call]
        cells = codes.reshape(grid, cell, grid, cell).swapaxes(1, 2).reshape(grid**2, -1)
        bins = cells + PATTERNS * np.arange(grid**2)[:, None]  # each cell has bins of its own
        row[:] = np.bincount(bins.ravel(), minlength=PATTERNS * grid**2) / cell**2
    return shares


def _sift(images: NDArray[np.uint8], settings: SiftFeatures) -> NDArray[np.float64]:
    grid, sizes = Grid(tuple(settings.bins), settings.step, images.shape[1]), np.arange(len(settings.bins))
    down, across = (grid.centres() * settings.grid / grid.side).astype(np.int64).T
    size = np.repeat(sizes, [len(grid.starts(bins)) ** 2 for bins in settings.bins])
    cell = (size * settings.grid + down) * settings.grid + across
    pool = np.arange(len(sizes) * settings.grid**2)[:, None] == cell
    shares = (pool / np.maximum(pool.sum(axis=1, keepdims=True), 1)).astype(np.float32)
    rows = [(shares @ batch).reshape(len(batch), -1) for batch in dense_sift(images, grid)]
    return np.concatenate([np.empty((0, len(pool) * WIDTH)), *rows])
