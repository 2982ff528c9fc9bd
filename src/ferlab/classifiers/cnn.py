"""A convolutional network behind the classifier protocol."""

from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from ferlab.classifiers.architectures import build
from ferlab.classifiers.base import Fit, TrainingPlan, check_sets
from ferlab.classifiers.fit import FILE, NetworkTraining, save_weights
from ferlab.classifiers.inference import probabilities
from ferlab.classifiers.weights import first_weights
from ferlab.data.images import FER_FACES, Faces, ImageSet
from ferlab.errors import UserError
from ferlab.params import NetworkClassifier
from ferlab.training.checkpoint import Checkpoints, load_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive, seeded


class Cnn:
    """One of the networks of `classifiers.architectures`, trained by SGD on cross-entropy or an L2-SVM's objective.

    Probabilities are the softmax of the last layer, also where that is a support vector machine: as of every other
    machine here, it ranks the classes as the margins do and isn't calibrated.
    """

    def __init__(self, settings: NetworkClassifier, faces: Faces = FER_FACES) -> None:
        self.settings, self.faces = settings, faces
        with seeded(0):  # these weights are only a place for others
            self.model = build(settings, len(faces.classes), faces.channels).to(memory_format=torch.channels_last)

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        check_sets(train, valid)
        with seeded(derive(plan.seed, "weights")):
            first = first_weights(self.settings, len(self.faces.classes), self.faces.channels)
        self.model.load_state_dict(first.state_dict())
        return NetworkTraining(self.model, self.settings, train, valid, plan).run(observe, checkpoints)

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        return probabilities(self.model, torch.from_numpy(np.array(images)), self.settings.input_size)

    def save(self, folder: Path) -> None:
        save_weights(self.model, folder)

    def load(self, folder: Path) -> Self:
        try:
            self.model.load_state_dict(load_state(folder / FILE))
        except RuntimeError as error:
            raise UserError(
                f"these weights are not of this network: {error}",
                where=str(folder / FILE),
                next_step="use the settings they were trained with (run.json beside them)",
            ) from None
        return self
