"""Names of expressions. Classes are mapped by name; numbers only ever index one of these tuples."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FER_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER-2013's classes in the order of the challenge's codes 0-6 (Goodfellow et al. 2015)."""

CKPLUS_CLASSES = ("angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
"""CK+'s seven expressions. It has contempt, which FER-2013 has not, and no neutral."""

_OTHER_NAMES = {"anger": "angry", "happiness": "happy", "sadness": "sad", "surprised": "surprise"}


def standard_name(name: str) -> str | None:
    """The class that a folder's name stands for, or None if it stands for none."""
    name = name.strip().lower()
    name = _OTHER_NAMES.get(name, name)
    return name if name in FER_CLASSES or name in CKPLUS_CLASSES else None


def translate(labels: NDArray[np.int64], classes: Sequence[str], target: Sequence[str]) -> NDArray[np.int64]:
    """Renumber labels from one tuple of classes to another, by name.

    Args:
        labels: int64 (N,), indices into `classes`.

    Returns:
        int64 (N,), indices into `target`; -1 where the class has no counterpart there.
    """
    table = np.array([target.index(name) if name in target else -1 for name in classes], dtype=np.int64)
    return table[labels]
