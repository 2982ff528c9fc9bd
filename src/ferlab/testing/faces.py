"""Small sets of faces that tests make for themselves; none shows a real person."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import SIDE, ImageSet
from ferlab.data.labels import FER_CLASSES
from ferlab.datasets.demo import PERSON, WILD, WOBBLE
from ferlab.datasets.faces import draw_face


def noise(n: int, seed: int = 0) -> NDArray[np.uint8]:
    """uint8 (n, 48, 48), every grey level equally often."""
    return np.random.default_rng(seed).integers(0, 256, (n, SIDE, SIDE), dtype=np.uint8)


def barred(
    per_class: int, *, seed: int = 0, split: str = "train", classes: tuple[str, ...] = FER_CLASSES, origin: str = "made"
) -> ImageSet:
    """Dim noise with a bright bar whose height tells the class: easy to learn."""
    labels = np.tile(np.arange(len(classes)), per_class)
    images = noise(len(labels), seed) // 4
    for image, label in zip(images, labels, strict=True):
        image[6 * label : 6 * label + 6] += 150
    return _named(images, labels, classes, split, origin)


def drawn(
    per_class: int, *, seed: int = 0, split: str = "train", classes: tuple[str, ...] = FER_CLASSES, origin: str = "made"
) -> ImageSet:
    """Faces as the demo draws them, each of another person; two milliseconds each."""
    labels = np.tile(np.arange(len(classes)), per_class)
    choose = np.random.default_rng(seed)
    images = []
    for i, label in enumerate(labels):
        person, moment, wobble = (
            {name: int(choose.integers(low, high + 1)) for name, (low, high) in ranges.items()}
            for ranges in (PERSON, WILD, WOBBLE)
        )
        images.append(draw_face(classes[label], person, moment, wobble, noise=f"{split}/{seed}/{i}"))
    return _named(np.stack(images), labels, classes, split, origin)


def coloured(images: ImageSet) -> ImageSet:
    """Grey faces made RGB ones, of a colour that depends on the grey level."""
    grey = images.images
    return replace(images, images=np.stack([grey, grey // 2, 255 - grey], axis=-1))


def _named(
    images: NDArray[np.uint8], labels: NDArray[np.int64], classes: tuple[str, ...], split: str, origin: str
) -> ImageSet:
    n = len(labels)
    ids = tuple(f"{split}/{i}" for i in range(n))
    return ImageSet(images, labels.astype(np.int64), classes, ids, ("",) * n, (origin,) * n, split)
