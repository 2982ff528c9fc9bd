"""What an arm adds to FER-2013's training split."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import ImageSet
from ferlab.data.labels import FER_CLASSES, translate

POLICIES = {"drop_contempt": None, "contempt_as_neutral": "neutral"}


def with_fer_labels(added: ImageSet, policy: str) -> ImageSet:
    """Give images of CK+'s classes FER-2013's labels, by name.

    Args:
        added: any set whose classes are CK+'s or FER-2013's.
        policy: `drop_contempt` leaves contempt out, `contempt_as_neutral` calls it neutral. The latter is what merging
            by class number does, where both datasets' class 6 meet.

    Returns:
        The images kept, in their order, with FER-2013's classes; their ids and origins still tell what they are.
    """
    called = POLICIES[policy]
    names = tuple(called if name == "contempt" and called else name for name in added.classes)
    labels = translate(added.labels, names, FER_CLASSES)
    kept = labels >= 0
    part = added.take(kept)
    return ImageSet(part.images, labels[kept], FER_CLASSES, part.ids, part.subjects, part.origins, part.split)


def first(images: ImageSet, per_class: int | None) -> ImageSet:
    """The first so many images of each class, in their order; None: all of them."""
    if per_class is None:
        return images
    rank = np.zeros(len(images), dtype=np.int64)
    for label in range(len(images.classes)):
        own = images.labels == label
        rank[own] = np.arange(own.sum())
    return images.take(rank < per_class)


def again(train: ImageSet, counts: Mapping[str, int], seed: int) -> ImageSet:
    """Images of a set once more: so many of each class, drawn without replacement as long as a class lasts.

    Args:
        counts: images wanted, by class.
        seed: decides which.

    Returns:
        Copies in the order of the classes. Their ids are `again/<round>/<id of the original>`; all else is the
        original's.
    """
    chosen, rounds = list[NDArray[np.int64]](), list[int]()
    for label, name in enumerate(train.classes):
        own = np.flatnonzero(train.labels == label)
        wanted = counts.get(name, 0)
        assert len(own) or not wanted, f"no image of {name} to repeat"
        rng = np.random.default_rng([seed, label])
        for start in range(0, wanted, max(len(own), 1)):
            taken = rng.permutation(own)[: wanted - start]
            chosen.append(taken)
            rounds += [start // len(own) + 1] * len(taken)
    part = train.take(np.concatenate([np.empty(0, np.int64), *chosen]))
    return replace(part, ids=tuple(f"again/{k}/{name}" for k, name in zip(rounds, part.ids, strict=True)))
