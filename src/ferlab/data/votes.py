"""Votes: what several people saw in an image, as shares of the classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ferlab.data.labels import translate

TOLERANCE = 1e-4  # of a row's sum; shares are float32


def fault(votes: NDArray[np.float32], images: int, classes: int) -> str | None:
    """What is wrong with the votes on so many images of so many classes; None of float32 (N, K), rows summing to 1."""
    if votes.dtype != np.float32 or votes.shape != (images, classes):
        return f"{votes.dtype} {votes.shape}, not float32 {(images, classes)}"
    if (odd := np.flatnonzero(~(votes >= 0).all(axis=1))).size:
        return f"row {odd[0]} has a share below 0, or one that is no number"
    if (odd := np.flatnonzero(~(np.abs(votes.sum(axis=1) - 1) <= TOLERANCE))).size:
        return f"row {odd[0]} sums to {votes[odd[0]].sum():g}, not to 1"
    return None


def certain(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """float32 (N, classes): all votes for the label, int64 (N,)."""
    return np.eye(classes, dtype=np.float32)[labels]


def for_classes(
    votes: NDArray[np.float32], names: Sequence[str], classes: Sequence[str], labels: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Votes among some of the classes, in the order of these.

    Args:
        votes: float32 (N, K).
        names: of its K columns. Those of one name are added up; those not among `classes` are left out.
        labels: int64 (N,), indices into `classes`; an image with no vote left counts as certain of its label.

    Returns:
        float32 (N, len(classes)), each row summing to 1.
    """
    if tuple(names) == tuple(classes):
        return votes
    place = translate(np.arange(len(names)), names, classes)
    left = votes[:, place >= 0] @ certain(place[place >= 0], len(classes))
    sums = left.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = np.where(sums > 0, left / np.where(sums > 0, sums, 1), certain(labels, len(classes)))
    return shares
