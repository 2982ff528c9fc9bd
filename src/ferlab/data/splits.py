"""Parts of a set: shares that keep its class balance, and folds that keep persons together."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import ImageSet
from ferlab.data.neighbours import first_of_equals
from ferlab.errors import UserError

TENTHS = 10  # of a set that isn't split: eight to train on, one to validate and one to test on, near FER-2013's shares


def three_splits(sets: Mapping[str, ImageSet]) -> dict[str, ImageSet]:
    """The splits `train`, `valid` and `test` of a data set, whatever splits it has itself. Always the same ones.

    A set that isn't split (`all`) is parted in tenths with the same share of each class: persons, where they are
    known, and equal images stay together. Where one of `valid` and `test` is missing, the other one tests, and a tenth
    of `train` validates.

    Raises:
        UserError: there is nothing to train or to test on; or a class is too small to be parted.
    """
    if "all" in sets:
        tenth = _tenths(sets["all"])
        parts = {"train": tenth > 1, "valid": tenth == 1, "test": tenth == 0}
        return {split: replace(sets["all"].take(rows), split=split) for split, rows in parts.items()}
    tests = [split for split in ("test", "valid") if split in sets]
    if "train" not in sets or not tests:
        raise UserError(
            f"a data set to train on needs images to train and images to test on; this one has {', '.join(sets)} alone",
            where="params.yaml: data.train",
            next_step="name another set, or add one without splits, which is parted",
        )
    if len(tests) == 2:
        return {split: sets[split] for split in ("train", "valid", "test")}
    kept, held_out = hold_out(sets["train"], 1 / TENTHS)
    return {
        "train": sets["train"].take(kept),
        "valid": replace(sets["train"].take(held_out), split="valid"),
        "test": replace(sets[tests[0]], split="test"),
    }


def to_learn_from(sets: Mapping[str, ImageSet]) -> ImageSet:
    """The images of a data set that a GAN may see: all, or of a set with splits those to train on."""
    return sets["all"] if "all" in sets else sets["train"]


def to_test_on(sets: Mapping[str, ImageSet]) -> ImageSet:
    """The images of a data set to test on: its own test split, or validation split, or all."""
    return next(sets[split] for split in ("test", "valid", "all", "train") if split in sets)


def _tenths(images: ImageSet) -> NDArray[np.int64]:
    """int64 (N,), 0 to 9."""
    from sklearn.model_selection import StratifiedGroupKFold  # late: seconds

    group = _persons_joined_by_copies(images)
    persons = {name: len(set(group[images.labels == label])) for label, name in enumerate(images.classes)}
    fewest = min(persons, key=lambda name: persons[name])
    if persons[fewest] < TENTHS:
        raise UserError(
            f"'{fewest}' has {persons[fewest]} different images or persons, and each tenth needs one",
            where=f"a set of {len(images)} images without splits",
            next_step=f"bring at least {TENTHS} of each class, or put the images into folders train, valid and test",
        )
    tenth = np.empty(len(images), np.int64)
    parts = StratifiedGroupKFold(TENTHS, shuffle=True, random_state=0).split(images.labels, images.labels, group)
    for number, (_, rows) in enumerate(parts):
        tenth[rows] = number
    return tenth


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
    """Each image's person; two persons count as one where an image of one equals an image of the other.

    An unknown person is nobody else.
    """
    from scipy.sparse import coo_array  # late: stages that only read a set don't pay for SciPy
    from scipy.sparse.csgraph import connected_components

    _, persons = np.unique(
        [s or f"of {i}" for s, i in zip(images.subjects, images.ids, strict=True)], return_inverse=True
    )
    first, equal = first_of_equals(images.images)
    graph = coo_array((np.ones(len(persons), dtype=bool), (persons, persons[first][equal])), shape=(len(persons),) * 2)
    joined = connected_components(graph, directed=False)[1]
    return np.asarray(joined[persons], dtype=np.int64)
