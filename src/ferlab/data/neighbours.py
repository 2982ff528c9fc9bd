"""Near copies: which images look alike, by the correlation of their pixels.

A correlation here is Pearson's, over the grey levels of two images: blind to brightness, contrast and colour. Products
of matrices in float32 find the candidates, and whole numbers decide, so that neither BLAS nor its threads change a
result. A constant image correlates with nothing: its correlations count as 0.
"""

from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from ferlab.data.colour import to_grey

_BLOCK = 2048  # rows of one product: 16 MiB of correlations at a time
_SLACK = 1e-4  # more than float32 can be wrong by in a sum of 2304 products of unit rows (about 1e-6)

Faces = NDArray[np.uint8]


def correlation(first: Faces, second: Faces) -> NDArray[np.float64]:
    """Correlation of each image of `first` with the image at its place in `second`; both as an ImageSet has images.

    Returns:
        float64 (N,) in [-1, 1], exact but for the last rounding; 0 where one of the two is constant.
    """
    x, y = (_flat(to_grey(images)).astype(np.int64) for images in (first, second))
    scale = np.sqrt(_covariance(x, x)) * np.sqrt(_covariance(y, y))
    correlations: NDArray[np.float64] = np.divide(_covariance(x, y), scale, out=np.zeros(len(x)), where=scale > 0)
    return correlations.clip(-1, 1)


def _covariance(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """n² times the covariance of each row of x (N, n) with its row of y: exact in whole numbers, then rounded once."""
    products: NDArray[np.int64] = x.shape[1] * np.einsum("ij,ij->i", x, y) - x.sum(axis=1) * y.sum(axis=1)
    return products.astype(np.float64)


def nearest(queries: Faces, references: Faces) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The most similar reference of each query.

    Args:
        queries: uint8 (N, side, side), or in RGB.
        references: M of the same kind, at least 1.

    Returns:
        int64 (N,), the index of the reference with the highest correlation (of equal references the first), and
        float32 (N,), that correlation: 1 for a copy, up to brightness and contrast; 0 for a constant query.
    """
    assert len(references), "no references to search"
    queries, references = to_grey(queries), to_grey(references)
    first, _ = first_of_equals(references)
    rows = _unit_rows(references[first])
    best = np.zeros(len(queries), dtype=np.int64)
    for part in _parts(len(queries)):
        wanted = _unit_rows(queries[part])
        highest = np.full(len(wanted), -np.inf, dtype=np.float32)
        for other in _parts(len(rows)):
            correlations = wanted @ rows[other].T
            place = correlations.argmax(axis=1)
            value = correlations[np.arange(len(wanted)), place]
            better = value > highest
            highest[better] = value[better]
            best[part][better] = other.start + place[better]
    index = first[best]
    return index, correlation(queries, references[index]).astype(np.float32)


def first_of_equals(images: Faces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Exact copies.

    Returns:
        int64 (G,), the index of the first image of each group of equal pixels (in all channels), ascending; and int64
        (N,), each image's group, so that `images[first[group]]` equals `images`.
    """
    flat = np.ascontiguousarray(_flat(images))
    keys = flat.view(np.dtype((np.void, flat.shape[1])))[:, 0]
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order].astype(np.int64), rank[group].astype(np.int64)


def near_pairs(images: Faces, threshold: float) -> NDArray[np.int64]:
    """All pairs of images, uint8 (N, side, side) or in RGB, whose correlation is above `threshold` (0 to 1).

    Returns:
        int64 (P, 2), i < j in each row, sorted.
    """
    images = to_grey(images)
    rows = _unit_rows(images)
    candidates = [np.empty((0, 2), dtype=np.int64)]
    for part in _parts(len(rows)):
        for other in _parts(len(rows), part.start):
            i, j = np.nonzero(rows[part] @ rows[other].T > threshold - _SLACK)
            near = np.column_stack([part.start + i, other.start + j])
            candidates.append(near[near[:, 0] < near[:, 1]])
    pairs = np.concatenate(candidates)
    above = [np.empty(0, dtype=bool)]
    for part in _parts(len(pairs)):
        i, j = pairs[part].T
        above.append(correlation(images[i], images[j]) > threshold)
    kept: NDArray[np.int64] = pairs[np.concatenate(above)]
    return kept[np.lexsort((kept[:, 1], kept[:, 0]))]


def near_groups(images: Faces, threshold: float) -> NDArray[np.int64]:
    """Groups of images that chains of near copies connect: correlation above `threshold`, or equal pixels.

    Returns:
        int64 (N,): equal numbers = same group, numbered in the order of their first images.
    """
    from scipy.sparse import coo_array  # late: stages that only read a set don't pay for SciPy
    from scipy.sparse.csgraph import connected_components

    first, group = first_of_equals(images)
    i, j = near_pairs(images[first], threshold).T
    graph = coo_array((np.ones(len(i), dtype=bool), (i, j)), shape=(len(first), len(first)))
    connected = connected_components(graph, directed=False)[1]
    return np.asarray(connected[group], dtype=np.int64)


def _parts(n: int, start: int = 0) -> Iterator[slice]:
    return (slice(i, min(i + _BLOCK, n)) for i in range(start, n, _BLOCK))


def _unit_rows(images: Faces) -> NDArray[np.float32]:
    """Rows of mean 0 and length 1, so that products are correlations; a constant image becomes zeros."""
    flat = _flat(images)
    rows = flat.astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows[flat.min(axis=1) == flat.max(axis=1)] = 0  # the mean's rounding may have left something
    np.divide(rows, length, out=rows, where=length > 0)
    return rows


def _flat(images: Faces) -> Faces:
    return images.reshape(len(images), prod(images.shape[1:]))
