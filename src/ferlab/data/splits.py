"""Parts of a set: shares that keep its class balance, and folds that keep persons together."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

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


def subject_folds(images: ImageSet, folds: int, seed: int) -> NDArray[np.int64]:
    """Part a set into folds of about equal class balance (scikit-learn's StratifiedGroupKFold).

    No person is in two folds, so no sequence of frames is either; nor are two images of equal pixels.

    Args:
        images: a set whose subjects are known.
        folds: how many, at least 2.

    Returns:
        int64 (N,), the fold of each image, from 0 up.

    Raises:
        UserError: a subject is unknown, or there are fewer persons, or fewer images of a class, than folds.
    """
    assert folds >= 2, folds
    unknown = images.subjects.count("")
    if unknown or not len(images):
        raise UserError(
            f"folds by subject need to know who is shown, and {unknown} of {len(images)} images don't say",
            where=f"the set '{images.split}'",
            next_step="a table of CK+ (emotion, pixels, Usage) has no subjects: "
            "`ferlab data add` the folders, whose files are named Sxxx_yyy_zzzzzzzz.png",
        )
    groups = _persons_joined_by_copies(images)
    persons = len(np.unique(groups))
    if persons < folds:
        raise UserError(
            f"{folds} folds need {folds} persons, and there are {persons}",
            where=f"the set '{images.split}' of {len(images)} images",
            next_step=f"use at most {persons} folds" if persons > 1 else "use more images",
        )
    for name, n in images.counts().items():
        if 0 < n < folds:
            raise UserError(
                f"{folds} folds need {folds} images of each class, and '{name}' has {n}",
                where=f"the set '{images.split}'",
                next_step="use fewer folds, or leave that class out",
            )
    found = np.full(len(images), -1, dtype=np.int64)
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(images.labels, images.labels, groups)):
        found[held_out] = fold
    return found


def _persons_joined_by_copies(images: ImageSet) -> NDArray[np.int64]:
    """Each image's person; two persons count as one where an image of one equals an image of the other."""
    _, persons = np.unique(images.subjects, return_inverse=True)
    first, equal = first_of_equals(images.images)
    graph = coo_array((np.ones(len(persons), dtype=bool), (persons, persons[first][equal])), shape=(len(persons),) * 2)
    joined = connected_components(graph, directed=False)[1]
    return np.asarray(joined[persons], dtype=np.int64)
