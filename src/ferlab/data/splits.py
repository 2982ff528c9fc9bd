"""Parts of a set: shares that keep its class balance, and folds that keep persons together."""

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import ImageSet
from ferlab.data.neighbours import first_of_equals
from ferlab.errors import UserError


def stratified_part(labels: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.intp]:
    """Choose a share of the images, the same share of each class.

    Args:
        labels: int64 (N,).
        fraction: share to choose, in (0, 1]; 1 chooses all.

    Returns:
        Sorted indices of the chosen images.

    Raises:
        UserError: a class has one image only, or the share or its rest is smaller than the number of classes.
    """
    everything = np.arange(len(labels))
    if fraction == 1:
        return everything
    from sklearn.model_selection import train_test_split  # late: a second, which few trainings need

    try:
        part, _ = train_test_split(everything, train_size=fraction, stratify=labels, random_state=seed)
    except ValueError as error:
        fewest = np.unique(labels, return_counts=True)[1].min(initial=len(labels))
        raise UserError(
            f"{len(labels)} images can't be parted at {fraction:g} with each class on both sides: {error}",
            where=f"the smallest class has {fewest}",
            next_step="use all images (a share of 1), another share, or more images of the smallest class",
        ) from None
    return np.sort(part)


def hold_out(images: ImageSet, share: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Part a set into what trains and what validates: always the same part, the same share of each class.

    Images of equal pixels stay on one side, so that what validates holds no copy of what trains. The share is one of
    groups of equal images, each of its first image's class.

    Args:
        share: to hold out, in [0, 1); 0 holds out nothing.

    Returns:
        Sorted indices of the images kept, and of those held out.

    Raises:
        UserError: as `stratified_part`.
    """
    if not share:
        return np.arange(len(images)), np.arange(0)
    first, group = first_of_equals(images.images)
    kept = np.isin(group, stratified_part(images.labels[first], 1 - share, seed=0))
    return np.flatnonzero(kept), np.flatnonzero(~kept)


def subject_folds(images: ImageSet, folds: int, seed: int) -> NDArray[np.int64]:
    """Part a set into folds of about equal class balance (scikit-learn's StratifiedGroupKFold).

    No person is in two folds, so no sequence of frames is either; nor are two images of equal pixels. There are fewer
    folds than asked for where there are fewer persons, or fewer images of a class; and a single one where it isn't
    known of every image whom it shows (a table of CK+ doesn't say).

    Args:
        folds: how many, at least 2.

    Returns:
        int64 (N,), the fold of each image, from 0 up.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    assert folds >= 2, folds
    fold_of = np.zeros(len(images), dtype=np.int64)
    if "" in images.subjects or not len(images):
        return fold_of
    persons = _persons_joined_by_copies(images)
    possible = min(folds, len(np.unique(persons)), *(n for n in images.counts().values() if n))
    if possible < 2:
        return fold_of
    splitter = StratifiedGroupKFold(n_splits=possible, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(images.labels, images.labels, persons)):
        fold_of[held_out] = fold
    return fold_of


def _persons_joined_by_copies(images: ImageSet) -> NDArray[np.int64]:
    """Each image's person; two persons count as one where an image of one equals an image of the other."""
    from scipy.sparse import coo_array  # late: stages that only read a set don't pay for SciPy
    from scipy.sparse.csgraph import connected_components

    _, persons = np.unique(images.subjects, return_inverse=True)
    first, equal = first_of_equals(images.images)
    graph = coo_array((np.ones(len(persons), dtype=bool), (persons, persons[first][equal])), shape=(len(persons),) * 2)
    joined = connected_components(graph, directed=False)[1]
    return np.asarray(joined[persons], dtype=np.int64)
