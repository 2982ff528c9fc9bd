"""Names of expressions. Classes are mapped by name; numbers only ever index one of these tuples."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ferlab.params.data import Data

FER_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER-2013's classes in the order of the challenge's codes 0-6 (Goodfellow et al. 2015)."""

CKPLUS_CLASSES = ("angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
"""CK+'s seven expressions. It has contempt, which FER-2013 has not, and no neutral."""


def classes_of(data: Data, name: str) -> tuple[str, ...]:
    """The classes of a data set that params.yaml names.

    Args:
        data: the section `data`.
        name: `fer2013`, `ckplus` or one of `data.sets`.
    """
    own = data.sets.get(name)
    return tuple(own.classes) if own else {"fer2013": FER_CLASSES, "ckplus": CKPLUS_CLASSES}[name]


_NAMES = {
    "angry": ("angry", "anger"),
    "contempt": ("contempt", "contemptuous"),
    "disgust": ("disgust", "disgusted"),
    "fear": ("fear", "fearful", "afraid", "scared"),
    "happy": ("happy", "happiness", "joy"),
    "sad": ("sad", "sadness"),
    "surprise": ("surprise", "surprised", "suprise"),  # the last: misspelt in copies that circulate
    "neutral": ("neutral", "neutrality"),
}
_BY_NAME = {other: name for name, others in _NAMES.items() for other in others}


def standard_name(name: str) -> str | None:
    """The class that a folder's name stands for, or None if it stands for none.

    Case, blanks and a leading number (`3_happy`) don't matter; the first two letters of a name or more are enough.
    A number alone stands for nothing here: what it means differs between datasets.
    """
    name = re.sub(r"^\d+[-_. ]+", "", name.strip().lower())
    if name in _BY_NAME:
        return _BY_NAME[name]
    meant = {standard for other, standard in _BY_NAME.items() if len(name) >= 2 and other.startswith(name)}
    return meant.pop() if len(meant) == 1 else None


def translate(labels: NDArray[np.int64], classes: Sequence[str], target: Sequence[str]) -> NDArray[np.int64]:
    """Renumber labels from one tuple of classes to another, by name.

    Args:
        labels: int64 (N,), indices into `classes`.

    Returns:
        int64 (N,), indices into `target`; -1 where the class has no counterpart there.
    """
    table = np.array([target.index(name) if name in target else -1 for name in classes], dtype=np.int64)
    return table[labels]
