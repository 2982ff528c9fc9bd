"""The paper's first idea: a support vector machine, on pixels or on features made by hand."""

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from torch import from_numpy

from ferlab.classifiers.base import Fit, TrainingPlan, check_sets
from ferlab.classifiers.features import extract
from ferlab.classifiers.svm_solver import Arrays, decision_function, fit_kernel, fit_linear
from ferlab.data.images import FER_FACES, Faces, ImageSet
from ferlab.errors import UserError
from ferlab.params import PixelFeatures, SvmClassifier
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive

FILE = "svm.safetensors"


class Svm:
    """Features, made comparable, and a support vector machine a class against the rest on them.

    Pixels become their first principal components if that is asked for; then every feature gets mean 0 and standard
    deviation 1, without which the solvers don't converge. Features are held in memory while it is fitted.
    """

    def __init__(self, settings: SvmClassifier, faces: Faces = FER_FACES) -> None:
        self.settings, self.faces = settings, faces
        self.arrays: Arrays = {}

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        check_sets(train, valid)
        settings = self.settings
        rows = extract(train.images, settings.features)
        self.arrays = {}
        if isinstance(settings.features, PixelFeatures) and settings.features.components is not None:
            self.arrays |= _principal(rows, settings.features.components)
        rows = self._project(rows)
        scaler = StandardScaler().fit(rows)
        self.arrays |= {"mean": scaler.mean_, "scale": scaler.scale_}
        rows = scaler.transform(rows)
        limits = (settings.C, settings.tolerance, settings.max_iterations)
        if settings.kernel == "linear":
            machine, notes = fit_linear(rows, train.labels, *limits, seed=derive(plan.seed, "svm") % 2**32)
        else:
            machine, notes = fit_kernel(rows, train.labels, *limits, limit=settings.kernel_limit)
        self.arrays |= machine
        accuracy = float((self.predict_proba(valid.images).argmax(axis=1) == valid.labels).mean())
        row = {"epoch": 1, "valid_accuracy": accuracy}
        observe(1, row)
        return Fit([row], 1, accuracy, notes | {"features": rows.shape[1]})

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        rows = self._project(extract(images, self.settings.features))
        values = decision_function((rows - self.arrays["mean"]) / self.arrays["scale"], self.arrays)
        probabilities: NDArray[np.float64] = softmax(values, axis=1)
        return probabilities

    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        if "basis" not in self.arrays:
            return rows
        projected: NDArray[np.float64] = (rows - self.arrays["centre"]) @ self.arrays["basis"].T
        return projected

    def save(self, folder: Path) -> None:
        save_state({name: from_numpy(array) for name, array in self.arrays.items()}, folder / FILE)

    def load(self, folder: Path) -> Self:
        arrays = {name: tensor.numpy() for name, tensor in load_state(folder / FILE).items()}
        width = extract(np.zeros((1, *self.faces.shape), np.uint8), self.settings.features).shape[1]
        if arrays.get("basis", arrays["mean"][None]).shape[1] != width:
            raise UserError(
                f"this SVM was fitted on other features than the {width} that its settings name", where=str(folder)
            )
        self.arrays = arrays
        return self


def _principal(rows: NDArray[np.float64], components: int) -> Arrays:
    """The first principal components, or as many as there are."""
    images, width = rows.shape
    solver = "covariance_eigh" if images > width else "full"
    pca = PCA(min(components, images, width), svd_solver=solver).fit(rows)
    return {"centre": pca.mean_, "basis": np.ascontiguousarray(pca.components_)}
