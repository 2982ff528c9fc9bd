"""What an arm adds to FER-2013's training split."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import ImageSet, of_classes
from ferlab.errors import UserError

POLICIES = {"drop_contempt": None, "contempt_as_neutral": "neutral"}


def with_labels_of(classes: tuple[str, ...], added: ImageSet, policy: str) -> ImageSet:
    """Give images the labels of other classes, by name: CK+'s those of FER-2013.

    Args:
        classes: of the training split.
        added: any set. Images of a class that isn't among these are left out.
        policy: of contempt, where it isn't among these classes: `drop_contempt` leaves it out, `contempt_as_neutral`
            calls it neutral. The latter is what merging
            by class number does, where both datasets' class 6 meet.

    Returns:
        The images kept, in their order, with these classes; their ids and origins still tell what they are.
    """
    called = POLICIES[policy]
    names = tuple(called if name == "contempt" and name not in classes and called else name for name in added.classes)
    return of_classes(added, classes, names)


def first(images: ImageSet, per_class: int | None) -> ImageSet:
    """The first so many images of each class, in their order; None: all of them."""
    if per_class is None:
        return images
    rank = np.zeros(len(images), dtype=np.int64)
    for label in range(len(images.classes)):
        own = images.labels == label
        rank[own] = np.arange(own.sum())
    return images.take(rank < per_class)


def again(images: ImageSet, counts: Mapping[str, int], seed: int) -> ImageSet:
    """Images of a set once more: so many of each class, drawn without replacement as long as a class lasts.

    Args:
        counts: images wanted, by class.
        seed: decides which.

    Returns:
        Copies in the order of the classes. Their ids are `again/<round>/<id of the original>`; all else is the
        original's.

    Raises:
        UserError: there is no image of a class that is wanted.
    """
    chosen, rounds = list[NDArray[np.int64]](), list[int]()
    for label, name in enumerate(images.classes):
        own = np.flatnonzero(images.labels == label)
        wanted = counts.get(name, 0)
        if wanted and not len(own):
            raise UserError(
                f"there is no image of {name} to repeat",
                where=f"{len(images)} images of {', '.join(sorted(set(images.origins)))}",
                next_step="an arm and the one that it takes its counts from need the same arms.<arm>.labels",
            )
        rng = np.random.default_rng([seed, label])
        for start in range(0, wanted, max(len(own), 1)):
            taken = rng.permutation(own)[: wanted - start]
            chosen.append(taken)
            rounds += [start // len(own) + 1] * len(taken)
    part = images.take(np.concatenate([np.empty(0, np.int64), *chosen]))
    return replace(part, ids=tuple(f"again/{k}/{name}" for k, name in zip(rounds, part.ids, strict=True)))


def shuffled(images: ImageSet, what: str, seed: int) -> ImageSet:
    """The same images with their labels, or each one's pixels, in a random order (Zhang et al. 2017, section 2).

    Args:
        what: `labels` deals the labels out anew among the images, with the votes behind them, so that each class keeps
            its number and says nothing of what an image shows. `pixels` puts each image's pixels in an order of its
            own: noise with the image's label and pixels. `none` changes nothing.
        seed: decides the orders.

    Returns:
        The images in their order, with their ids, which still tell what they were.
    """
    rng = np.random.default_rng([seed, 0, 1])  # three numbers: another sequence than any of `again`
    if what == "labels":
        order = rng.permutation(len(images))
        votes = None if images.votes is None else images.votes[order]
        return replace(images, labels=images.labels[order], votes=votes)
    if what == "pixels":
        flat = images.images.reshape(len(images), images.side**2, images.channels)
        order = rng.permuted(np.tile(np.arange(images.side**2, dtype=np.int32), (len(images), 1)), axis=1)
        moved = np.take_along_axis(flat, order[..., None], axis=1)  # all channels of a pixel together
        return replace(images, images=moved.reshape(images.images.shape))
    return images
