"""Predictions that take minutes, a block of images at a time, so that a call that was killed goes on where it was."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import from_numpy

from ferlab.training.checkpoint import Checkpoints

BLOCK = 128  # images between two looks at whether a checkpoint is due


class Predicts(Protocol):
    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]: ...


def predict_blockwise(classifier: Predicts, images: NDArray[np.uint8], checkpoints: Checkpoints) -> NDArray[np.float64]:
    """What a classifier says of images, from the last checkpoint on if there is one.

    Args:
        classifier: judges each image by itself.
        images: uint8 (N, side, side) or (N, side, side, 3).
        checkpoints: of this classifier and these images alone.

    Returns:
        float64 (N, classes), as `predict_proba`.
    """
    state = checkpoints.load()
    found = state["probabilities"].numpy() if state else classifier.predict_proba(images[:0])
    for start in range(len(found), len(images), BLOCK):
        found = np.concatenate([found, classifier.predict_proba(images[start : start + BLOCK])])
        checkpoints.offer(partial(_state, found))
    checkpoints.save(_state(found))
    return found


def _state(found: NDArray[np.float64]) -> Mapping[str, Any]:
    return {"probabilities": from_numpy(found)}
