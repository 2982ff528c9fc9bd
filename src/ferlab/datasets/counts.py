"""FER-2013's published counts, and what they tell where names don't: a number's class, a folder's split.

No two classes are of equal size in the training split, so that whole copies say by their counts how they are numbered.
"""

from collections.abc import Mapping
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ferlab.data.labels import FER_CLASSES

PUBLISHED = {
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "valid": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
"""Images a split and class of the published dataset, in the order of FER_CLASSES."""

EITHER = "either half of test"
"""A split that doesn't tell validation from test."""

_EXPECTED = {split: np.array(counts) for split, counts in PUBLISHED.items()}
_EXPECTED |= {EITHER: _EXPECTED["valid"] + _EXPECTED["test"]}
_NEAR = 100  # images by which a copy may differ from the published one; two classes differ by more
_ALPHABETICAL = [FER_CLASSES.index(name) for name in sorted(FER_CLASSES)]

Counts = Mapping[str, NDArray[np.int64]]
"""By split: images of each number that stands for a class, int64 (N,), in the order of the numbers."""


def order_of(counts: Counts) -> list[int] | None:
    """Which class each of seven numbers stands for, as an index into FER_CLASSES; None if the counts don't say.

    The training split alone decides: it is large enough to tell all classes apart.
    """
    row = counts.get("train", np.zeros(0, dtype=np.int64))
    if len(row) != len(FER_CLASSES):
        return None
    costs = np.abs(row[:, None] - _EXPECTED["train"])
    places = np.arange(len(row))
    order = min(permutations(range(len(row))), key=lambda order: costs[places, order].sum())
    return list(order) if costs[places, order].sum() <= _NEAR else None


def rather_alphabetical(counts: Counts) -> bool:
    """Whether the shares of the numbers 0-6 in a part of it fit the alphabet better than the challenge's order."""
    apart = [0.0, 0.0]
    for split, row in counts.items():
        expected = _EXPECTED[split]
        for i, order in enumerate((list(range(len(FER_CLASSES))), _ALPHABETICAL)):
            apart[i] += np.abs(row / max(row.sum(), 1) - expected[order] / expected.sum()).sum()
    return apart[1] < 0.9 * apart[0]


def numbered(order: list[int], numbers: list[str]) -> str:
    """How numbers stand for classes, for people; "" if as in the challenge."""
    if order == list(range(len(FER_CLASSES))) and [int(number) for number in numbers] == order:
        return ""
    alphabet = " (the alphabet's order)" if order == _ALPHABETICAL else ""
    meant = ", ".join(f"{number} {FER_CLASSES[label]}" for number, label in zip(numbers, order, strict=True))
    return f"the published counts tell what the numbers stand for{alphabet}: {meant}"


def part_of(counts: NDArray[np.int64]) -> str | None:
    """The split (`valid`, `test`, or both) whose published counts a folder has exactly, int64 (7,) by FER_CLASSES."""
    return next((split for split in ("valid", "test", EITHER) if (counts == _EXPECTED[split]).all()), None)
