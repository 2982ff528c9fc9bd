"""Local learning: each image is judged by machines that learn from its nearest training images alone.

On a bag of visual words (Ionescu, Popescu & Grozea 2013), or on that joined with what trained networks see (Georgescu,
Ionescu & Popescu 2019).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix
from scipy.special import softmax
from torch import from_numpy

from ferlab.classifiers.base import Fit, TrainingPlan, check_sets
from ferlab.classifiers.blockwise import predict_blockwise
from ferlab.classifiers.bovw import Bag
from ferlab.classifiers.cnn import Cnn
from ferlab.classifiers.members import MemberEpochs, load_networks
from ferlab.classifiers.penultimate import penultimate_features
from ferlab.data.images import FER_FACES, Faces, ImageSet
from ferlab.errors import UserError
from ferlab.params import LocalLearningClassifier
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer

FILE = "local_learning.safetensors"
BLOCK = 128  # images whose similarities to all training images are held at once


class LocalLearning:
    """Remembers the training images' features; what it learns, it learns anew for each image that it judges.

    Two images are as similar as their features of each kind are on average, presence vectors and each network's, all of
    length 1 (so that each kind has the same say). An image that shows nothing, and has no network to see it, gets the
    shares of the classes in the training images.
    """

    def __init__(self, settings: LocalLearningClassifier, faces: Faces = FER_FACES) -> None:
        self.settings, self.n_classes = settings, len(faces.classes)
        self.bag = Bag(settings.features, faces.side)
        self.networks = {name: Cnn(network, faces) for name, network in settings.networks.items()}
        self.words, self.labels = self.bag.no_words(), np.empty(0, np.int64)
        self.deep = np.empty((0, 0), np.float32)
        self.rows = self.bag.rows(self.words)
        self._across = self.rows.T.tocsr()

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        """As the protocol; the history has the networks' epochs one after the other, then a row of the whole.

        Raises:
            UserError: besides, more neighbours than training images.
        """
        check_sets(train, valid)
        if self.settings.neighbours > len(train):
            raise UserError(
                f"an image can't have {self.settings.neighbours:,} neighbours among {len(train):,} training images",
                where="params.yaml: classifiers, neighbours",
                next_step=f"set it to {len(train):,} at most",
            )
        history: list[dict[str, float]] = []
        own_plan = replace(plan, steps=None, every_epoch=None)
        notes: dict[str, float | int | bool] = {}
        for number, (name, network) in enumerate(self.networks.items()):
            epochs = MemberEpochs(number, observe, history)
            found = network.fit(
                train, valid, own_plan, observe=epochs, checkpoints=checkpoints.child(f"network-{name}")
            )
            notes[f"{name}_valid_accuracy"] = found.valid_accuracy
        words = self.bag.fit(train.images, plan.seed, checkpoints.child("words"))
        self._remember(words, train.labels, self._deep(train.images))
        chosen = predict_blockwise(self, valid.images, checkpoints.child("valid")).argmax(axis=1)
        accuracy = float((chosen == valid.labels).mean())
        row = {"epoch": len(history) + 1, "valid_accuracy": accuracy}
        observe(len(history) + 1, row)
        history.append(row)
        blank = int((np.diff(self.rows.indptr) == 0).sum())
        return Fit(history, len(history), accuracy, notes | {"features": self.rows.shape[1], "blank_images": blank})

    def _remember(self, words: NDArray[np.uint16], labels: NDArray[np.int64], deep: NDArray[np.float32]) -> None:
        self.words, self.labels, self.deep = words, np.array(labels), deep
        self.rows = self.bag.rows(words)
        self._across = self.rows.T.tocsr()

    def _deep(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the networks see, each's features of length 1, side by side: float32 (N, features)."""
        parts = [penultimate_features(network, images) for network in self.networks.values()]
        return np.hstack([np.empty((len(images), 0), np.float32), *parts])

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        values = [np.empty((0, self.n_classes))]
        for start in range(0, len(images), BLOCK):
            block = images[start : start + BLOCK]
            similar = self._similarities(self.bag.transform(block), self._deep(block))
            values.append(np.stack([self._values(row) for row in similar]))
        probabilities: NDArray[np.float64] = softmax(np.concatenate(values), axis=1)
        return probabilities

    def _similarities(self, rows: csr_matrix, deep: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of some images to all training images: float64 (N, training images) in 0-1."""
        found = (rows @ self._across).toarray().astype(np.float64) + deep @ self.deep.T
        similar: NDArray[np.float64] = found / (1 + len(self.networks))
        return similar

    def _values(self, similar: NDArray[np.float64]) -> NDArray[np.float64]:
        """Decision values of one image, (classes,), from its similarities to the training images."""
        if not similar.any():
            prior: NDArray[np.float64] = np.log(np.bincount(self.labels) / len(self.labels))  # every class occurs
            return prior
        k = self.settings.neighbours
        nearest = np.sort(np.argpartition(-similar, k - 1)[:k])
        near, deep = self.rows[nearest], self.deep[nearest]
        gram = ((near @ near.T).toarray().astype(np.float64) + deep @ deep.T) / (1 + len(self.networks))
        return local_values(gram, similar[nearest], self.labels[nearest], self.n_classes, self.settings.C)

    def save(self, folder: Path) -> None:
        state = {
            "vocabulary": from_numpy(self.bag.words.vocabulary_),
            "words": from_numpy(self.words),
            "labels": from_numpy(self.labels),
            "deep": from_numpy(self.deep),
            "networks": {name: network.model.state_dict() for name, network in self.networks.items()},
        }
        save_state(state, folder / FILE)

    def load(self, folder: Path) -> Self:
        state: dict[str, Any] = load_state(folder / FILE)
        self.bag.take(state["vocabulary"].numpy(), folder / FILE)
        load_networks(
            {name: network.model for name, network in self.networks.items()}, state["networks"], folder / FILE
        )
        self._remember(*(state[name].numpy() for name in ("words", "labels", "deep")))
        return self


def local_values(
    gram: NDArray[np.float64], similar: NDArray[np.float64], labels: NDArray[np.int64], classes: int, C: float
) -> NDArray[np.float64]:
    """Decision values of least-squares support vector machines (Suykens & Vandewalle 1999), a class against the rest.

    They minimise `½(‖w‖² + b²) + C Σ (y − f)²`, with y = ±1: one linear system for all classes. A class without
    neighbours has machines that say no, and is the less likely for it.

    Args:
        gram: float64 (k, k), similarities of the neighbours to each other, positive semidefinite.
        similar: float64 (k,), their similarities to the image that is judged.
        labels: int64 (k,), in 0 … classes - 1.

    Returns:
        float64 (classes,).
    """
    signs = np.where(labels[:, None] == np.arange(classes), 1.0, -1.0)
    system = gram + 1  # of a bias, as LinearSVC has it: one more feature that is 1 everywhere
    system[np.diag_indices_from(system)] += 1 / (2 * C)
    weights = cho_solve(cho_factor(system, lower=True, overwrite_a=True, check_finite=False), signs, check_finite=False)
    values: NDArray[np.float64] = (similar + 1) @ weights
    return values
