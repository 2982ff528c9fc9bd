"""A face is of the class whose mean face is nearest."""

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestCentroid
from torch import from_numpy

from ferlab.classifiers.base import Fit, TrainingPlan, check_sets
from ferlab.data.images import FER_FACES, Faces, ImageSet
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer
from ferlab_example.settings import CentroidSettings

FILE = "centroid.safetensors"


class Centroid:
    """scikit-learn's nearest centroid, shrunken or not (Tibshirani et al. 2002), on the channels' levels in 0-1."""

    def __init__(self, settings: CentroidSettings, faces: Faces = FER_FACES) -> None:
        self.settings = settings
        self.model = NearestCentroid(priors=settings.prior, shrink_threshold=settings.shrink)

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        check_sets(train, valid)
        self.model.fit(_rows(train.images), train.labels)
        accuracy = float((self.predict_proba(valid.images).argmax(axis=1) == valid.labels).mean())
        row = {"epoch": 1, "valid_accuracy": accuracy}
        observe(1, row)
        return Fit([row], 1, accuracy)

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        if not len(images):
            return np.empty((0, len(self.model.classes_)))
        probabilities: NDArray[np.float64] = self.model.predict_proba(_rows(images))
        return probabilities

    def save(self, folder: Path) -> None:
        learned = {key: from_numpy(value) for key, value in vars(self.model).items() if isinstance(value, np.ndarray)}
        save_state(learned, folder / FILE)

    def load(self, folder: Path) -> Self:
        for key, value in load_state(folder / FILE).items():
            setattr(self.model, key, value.numpy())
        return self


def _rows(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    return images.reshape(len(images), -1) / 255.0
