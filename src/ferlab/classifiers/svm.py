"""The paper's first idea: a support vector machine, here a linear one on pixels."""

import warnings
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import from_numpy

from ferlab.classifiers.base import Fit, Plan, check_sets
from ferlab.data.images import ImageSet
from ferlab.params import SvmClassifier
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive

FILE = "svm.safetensors"


class PixelSvm:
    """scikit-learn's LinearSVC (one against the rest, squared hinge) on standardised pixels.

    Its probabilities are the softmax of the decision values: they rank the classes as the SVM does, but they are not
    calibrated.
    """

    def __init__(self, settings: SvmClassifier) -> None:
        self.settings = settings
        self.mean = self.scale = self.bias = np.empty(0)
        self.weights = np.empty((0, 0))

    def fit(self, train: ImageSet, valid: ImageSet, plan: Plan, *, observe: Observer, checkpoints: Checkpoints) -> Fit:
        check_sets(train, valid)
        scaler = StandardScaler().fit(_rows(train.images))
        machine = LinearSVC(
            C=self.settings.C,
            tol=self.settings.tolerance,
            max_iter=self.settings.max_iterations,
            dual=len(train) < train.images[0].size,
            random_state=derive(plan.seed, "svm") % 2**32,
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            machine.fit(scaler.transform(_rows(train.images)), train.labels)
        converged = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
        self.mean, self.scale = scaler.mean_, scaler.scale_
        self.weights, self.bias = machine.coef_, machine.intercept_
        accuracy = float((self.predict_proba(valid.images).argmax(axis=1) == valid.labels).mean())
        row = {"epoch": 1, "valid_accuracy": accuracy}
        observe(1, row)
        return Fit([row], 1, accuracy, {"converged": converged, "iterations": int(np.max(machine.n_iter_))})

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        values = (_rows(images) - self.mean) / self.scale @ self.weights.T + self.bias
        powers = np.exp(values - values.max(axis=1, keepdims=True, initial=-np.inf))
        probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return probabilities

    def save(self, folder: Path) -> None:
        arrays = {"mean": self.mean, "scale": self.scale, "weights": self.weights, "bias": self.bias}
        save_state({name: from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}, folder / FILE)

    def load(self, folder: Path) -> Self:
        state = load_state(folder / FILE)
        self.mean, self.scale, self.weights, self.bias = (
            state[name].numpy() for name in ("mean", "scale", "weights", "bias")
        )
        return self


def _rows(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    return images.reshape(len(images), -1) / 255.0
