"""How varied synthetic faces are, and how many are copies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Quality:
    """Figures of one class of one family.

    Attributes:
        diversity: mean of 1 - correlation over all pairs of synthetic images, divided by the same of the real ones.
        collapsed: diversity below the limit.
        nearest_real: median, over synthetic images, of the correlation with the nearest real one.
        copies: number of synthetic images that are as good as a real frame.
    """

    diversity: float
    collapsed: bool
    nearest_real: float
    copies: int


def judge(
    synthetic: NDArray[np.uint8], real: NDArray[np.uint8], collapse_ratio: float, copy_correlation: float
) -> Quality:
    """Compare synthetic images with the real images of the same class.

    Args:
        synthetic, real: uint8 (N, 48, 48) and (M, 48, 48), at least two each.
        collapse_ratio: limit of diversity.
        copy_correlation: a correlation at least this high makes a copy.
    """
    fake, true = _standardise(synthetic), _standardise(real)
    between_real = _spread(true)
    diversity = _spread(fake) / between_real if between_real > 0 else 0.0
    nearest = (fake @ true.T).max(axis=1)
    return Quality(
        diversity=round(diversity, 6),
        collapsed=bool(diversity < collapse_ratio),
        nearest_real=round(float(np.median(nearest)), 6),
        copies=int((nearest >= copy_correlation).sum()),
    )


def _standardise(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Rows of mean 0 and length 1, so that products are correlations; a constant image becomes zeros."""
    rows = images.reshape(len(images), -1).astype(np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    standard: NDArray[np.float64] = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return standard


def _spread(rows: NDArray[np.float64]) -> float:
    """Mean of 1 - correlation over all pairs, from the sum of all products alone."""
    n = len(rows)
    total = float(np.square(rows.sum(axis=0)).sum() - np.square(rows).sum())
    return 1.0 - total / (n * (n - 1))
