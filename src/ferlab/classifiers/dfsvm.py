"""DF-SVM: deep features of several VGGs, joined, and a linear support vector machine on them (the paper's B and C)."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.preprocessing import StandardScaler, normalize
from torch import from_numpy

from ferlab.classifiers.architectures import build
from ferlab.classifiers.base import Fit, TrainingPlan, check_sets
from ferlab.classifiers.members import (
    MemberEpochs,
    deep_features,
    load_networks,
    member_settings,
    place_first_weights,
    train_member,
)
from ferlab.classifiers.svm_solver import Arrays, Notes, decision_function, fit_linear
from ferlab.classifiers.weights import first_weights
from ferlab.data.images import FER_FACES, Faces, ImageSet
from ferlab.params import DfsvmClassifier
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive, seeded

FILE = "dfsvm.safetensors"


class Dfsvm:
    """Each member is fine-tuned in turn; then a LinearSVC is fitted on what their last hidden layers say.

    Every member's features are scaled to length 1 before they are joined, so that each has the same say. They are held
    in memory while the machine is fitted: float64, images x members x 4096 x width.
    """

    def __init__(self, settings: DfsvmClassifier, faces: Faces = FER_FACES) -> None:
        self.settings, self.n_classes, self.channels = settings, len(faces.classes), faces.channels
        with seeded(0):  # these weights are only a place for others
            self.models = {
                member.network: build(member_settings(settings, member), self.n_classes, self.channels).to(
                    memory_format=torch.channels_last
                )
                for member in settings.members
            }
        self.arrays: Arrays = {}

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        """As the protocol; the history has the members' epochs one after the other, then a row of the whole.

        The plan's rule selects each member's epoch; the whole has its last row alone.
        """
        check_sets(train, valid)
        self._weights_must_be_here()
        history: list[dict[str, float]] = []
        notes: Notes = {}
        for number, member in enumerate(self.settings.members):
            model = self.models[member.network]
            if not member.trained:
                place_first_weights(model, self.settings, member, plan)
                continue
            epochs = MemberEpochs(number, observe, history)
            own_checkpoints = checkpoints.child(member.network)
            fit = train_member(model, self.settings, member, (train, valid), plan, epochs, own_checkpoints)
            notes[f"{member.network}_valid_accuracy"] = fit.valid_accuracy
        notes |= self._fit_machine(train, plan.seed)
        accuracy = float((self.predict_proba(valid.images).argmax(axis=1) == valid.labels).mean())
        row = {"epoch": len(history) + 1, "member": len(self.settings.members), "valid_accuracy": accuracy}
        observe(len(history) + 1, row)
        history.append(row)
        return Fit(history, len(history), accuracy, notes)

    def _weights_must_be_here(self) -> None:
        """Name absent weights, also of the last member, before others are trained for hours."""
        for member in self.settings.members:
            if member.weights != "none":
                first_weights(member_settings(self.settings, member), self.n_classes, self.channels)

    def _fit_machine(self, train: ImageSet, seed: int) -> Notes:
        """Fit on features as they are; where that doesn't converge, as with nearly equal rows, on standardised ones."""
        settings, rows = self.settings, self._features(train.images)
        limits = (settings.C, settings.tolerance, settings.max_iterations)
        solver_seed = derive(seed, "svm") % 2**32
        self.arrays, notes = fit_linear(rows, train.labels, *limits, seed=solver_seed)
        scaled = not notes["converged"]
        if scaled:
            scaler = StandardScaler().fit(rows)
            self.arrays, notes = fit_linear(scaler.transform(rows), train.labels, *limits, seed=solver_seed)
            self.arrays |= {"mean": scaler.mean_, "scale": scaler.scale_}
        return notes | {"features": rows.shape[1], "scaled": scaled}

    def _features(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        side = self.settings.training.input_size
        return np.hstack([normalize(deep_features(model, images, side)) for model in self.models.values()])

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        if not len(images):
            return np.empty((0, self.n_classes))
        rows = self._features(images)
        if "mean" in self.arrays:
            rows = (rows - self.arrays["mean"]) / self.arrays["scale"]
        probabilities: NDArray[np.float64] = softmax(decision_function(rows, self.arrays), axis=1)
        return probabilities

    def save(self, folder: Path) -> None:
        machine = {name: from_numpy(array) for name, array in self.arrays.items()}
        members = {name: model.state_dict() for name, model in self.models.items()}
        save_state({"members": members, "machine": machine}, folder / FILE)

    def load(self, folder: Path) -> Self:
        state: dict[str, Any] = load_state(folder / FILE)
        load_networks(self.models, state["members"], folder / FILE)
        self.arrays = {name: tensor.numpy() for name, tensor in state["machine"].items()}
        return self
