"""Parts of a set that keep its class balance."""

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split


def stratified_part(labels: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.intp]:
    """Choose a share of the images, the same share of each class.

    Args:
        labels: int64 (N,).
        fraction: share to choose, in (0, 1]; 1 chooses all.

    Returns:
        Sorted indices of the chosen images.
    """
    everything = np.arange(len(labels))
    if fraction == 1:
        return everything
    part, _ = train_test_split(everything, train_size=fraction, stratify=labels, random_state=seed)
    return np.sort(part)
