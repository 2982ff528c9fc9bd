"""What correlation of pixels tells: how varied a set is."""

import numpy as np
from numpy.typing import NDArray

from ferlab.data.colour import to_grey


def standardise(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Rows of mean 0 and length 1, so that products are correlations; a constant image becomes zeros.

    Args:
        images: uint8 (N, 48, 48), or in RGB, of which the grey levels count.

    Returns:
        float64 (N, 2304).
    """
    rows = to_grey(images).reshape(len(images), -1).astype(np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    standard: NDArray[np.float64] = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return standard


def spread(rows: NDArray[np.float64], groups: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of 1 - correlation over all pairs of images from different groups.

    Args:
        rows: (N, d) as `standardise` returns them.
        groups: (N,), e.g. the sequence of a frame: its frames are near copies of one another and make no pair.
        weights: (R, N), how often each image counts in each of R draws.

    Returns:
        (R,); NaN where a draw has no pair.
    """
    apart = groups[:, None] != groups
    return mean_of_pairs(1 - rows @ rows.T, apart, weights)


def mean_of_pairs(
    values: NDArray[np.float64], apart: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weighted mean of values (N, N) over the pairs that `apart` (N, N) allows, for weights (R, N); NaN without one."""
    total = (weights @ (values * apart) * weights).sum(axis=1)
    pairs = (weights @ apart.astype(np.float64) * weights).sum(axis=1)
    mean: NDArray[np.float64] = np.divide(total, pairs, out=np.full_like(total, np.nan), where=pairs > 0)
    return mean
