"""Distances between sets of features: KID, FID, and precision, recall, density and coverage.

Each takes the reference images' weights (R, N), a row a bootstrap draw, and returns R values at once; a row of ones
gives the published figure. `features` are float64 (number of images, d).
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances

from ferlab.quality.pixels import mean_of_pairs

Array = NDArray[np.float64]


def kid(
    reference: Array, candidate: Array, groups: NDArray[np.int64], candidate_groups: NDArray[np.int64], weights: Array
) -> Array:
    """Kernel inception distance (Binkowski et al. 2018): unbiased squared MMD with the kernel (x·y/d + 1)³.

    Args:
        groups, candidate_groups: (N,) and (M,), e.g. the sequence of each real frame. Pairs within a group are left
            out: they are near copies, which would count as a difference between the sets. With one image a group it's
            the published estimator.

    Returns:
        (R,), around 0 for equal distributions, so also below it; NaN where all reference images are of one group.
    """
    d = reference.shape[1]

    def kernel(a: Array, b: Array) -> Array:
        values: Array = (a @ b.T / d + 1) ** 3
        return values

    apart = candidate_groups[:, None] != candidate_groups
    within = mean_of_pairs(kernel(candidate, candidate), apart, np.ones((1, len(candidate))))
    between = weights @ kernel(reference, candidate).mean(axis=1) / weights.sum(axis=1)
    among: Array = mean_of_pairs(kernel(reference, reference), groups[:, None] != groups, weights)
    distance: Array = among + within - 2 * between
    return distance


def fid(reference: Array, candidate: Array, weights: Array) -> Array:
    """Fréchet distance of two normal distributions (Heusel et al. 2017): |μ - ν|² + tr(A + B - 2 (AB)^½).

    The trace of the root is the sum of the roots of AB's eigenvalues, which are those of an N x N matrix: exact also
    where there are fewer images than features. Depends strongly on the number of images: compare equal numbers only.
    """
    middle = reference.mean(axis=0)
    rows, others = reference - middle, candidate - middle
    spread = np.cov(others, rowvar=False)
    products, squares = rows @ spread @ rows.T, np.square(rows).sum(axis=1)
    values = np.empty(len(weights))
    for r, weight in enumerate(weights):
        share = weight / weight.sum()
        mean, divisor = share @ rows, weight.sum() - 1
        trace = (weight @ squares - weight.sum() * mean @ mean) / divisor
        centred = products - share @ products
        centred = centred - (centred @ share)[:, None]
        root = np.sqrt(weight / divisor)
        eigenvalues = np.linalg.eigvalsh(root[:, None] * centred * root)
        values[r] = (
            np.square(mean - others.mean(axis=0)).sum()
            + trace
            + np.trace(spread)
            - 2 * np.sqrt(eigenvalues.clip(min=0)).sum()
        )
    return values


def manifold(reference: Array, candidate: Array, k: int, weights: Array) -> dict[str, Array]:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

    Args:
        k: a ball's radius is the distance to the k-th neighbour; at most one less than the smaller set. Balls are those
            of the whole reference set in every draw, because an image drawn twice would have a neighbour at distance 0.

    Returns:
        `precision`, `recall`, `density`, `coverage`: (R,) each; all in 0-1 but density, which may exceed 1.
    """
    k = min(k, len(reference) - 1, len(candidate) - 1)
    apart = pairwise_distances(reference, candidate)
    inside = apart < _radii(reference, k)[:, None]  # candidate j in the ball of reference i
    share = weights / weights.sum(axis=1, keepdims=True)
    return {
        "precision": ((weights > 0).astype(np.float64) @ inside > 0).mean(axis=1),
        "recall": share @ (apart < _radii(candidate, k)).any(axis=1),
        "density": (len(reference) * share @ inside).mean(axis=1) / k,
        "coverage": share @ inside.any(axis=1),
    }


def _radii(features: Array, k: int) -> Array:
    radii: Array = np.partition(pairwise_distances(features), k, axis=1)[:, k]  # place 0 is the image itself
    return radii
