"""A bag of visual words and a linear support vector machine: Ionescu, Popescu & Grozea 2013, without local learning."""

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import softmax
from torch import from_numpy

from ferlab.classifiers.base import Fit, TrainingPlan, check_sets
from ferlab.classifiers.sift import WIDTH, Grid
from ferlab.classifiers.svm_solver import Arrays, decision_function, fit_linear
from ferlab.classifiers.visual_words import VisualWords, presence
from ferlab.data.images import FER_FACES, SIDE, Faces, ImageSet
from ferlab.errors import UserError
from ferlab.params import BovwClassifier
from ferlab.params import VisualWords as Settings
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive

FILE = "bovw.safetensors"
BLOCK = 1024  # images between two looks at whether a checkpoint is due


class Bag:
    """Images to presence vectors, by a vocabulary of the training images. What takes long goes on where it was."""

    def __init__(self, settings: Settings, side: int = SIDE) -> None:
        self.settings = settings
        self.grid = Grid(tuple(settings.sift.bins), settings.sift.step, side)
        self.words = VisualWords(self.grid, settings.words, settings.vocabulary_images)

    def fit(self, images: NDArray[np.uint8], seed: int, checkpoints: Checkpoints) -> NDArray[np.uint16]:
        """Find a vocabulary on training images, and return their words, uint16 (N, places)."""
        state = checkpoints.load()
        if state is None:
            self.words.set_params(seed=derive(seed, "vocabulary") % 2**32).fit(images)
            state = {"vocabulary": from_numpy(self.words.vocabulary_), "words": from_numpy(self.no_words())}
            checkpoints.save(state)
        self.words.vocabulary_ = state["vocabulary"].numpy()
        found: list[NDArray[np.uint16]] = [state["words"].numpy()]
        for start in range(len(found[0]), len(images), BLOCK):
            found.append(self.words.transform(images[start : start + BLOCK]))
            checkpoints.offer(lambda: state | {"words": from_numpy(np.concatenate(found))})
        checkpoints.save(state | {"words": from_numpy(np.concatenate(found))})
        return np.concatenate(found)

    def no_words(self) -> NDArray[np.uint16]:
        """Words of no image: uint16 (0, places)."""
        return np.empty((0, len(self.grid.centres())), np.uint16)

    def rows(self, words: NDArray[np.uint16]) -> csr_matrix:
        """Presence vectors of what `fit` returned, float32 (N, features), each of length 1 or 0."""
        return presence(words, self.grid, self.settings.words, tuple(self.settings.pyramid))

    def transform(self, images: NDArray[np.uint8]) -> csr_matrix:
        """Presence vectors of any images."""
        return self.rows(self.words.transform(images))

    def take(self, vocabulary: NDArray[np.float32], source: Path) -> None:
        """Use a vocabulary that was found before.

        Raises:
            UserError: it has another size than the settings name.
        """
        if vocabulary.shape != (self.settings.words, WIDTH):
            raise UserError(
                f"this vocabulary has {len(vocabulary):,} words, and its settings name {self.settings.words:,}",
                where=str(source),
                next_step="use the settings it was fitted with (run.json beside it)",
            )
        self.words.vocabulary_ = vocabulary


class Bovw:
    """Presence vectors of visual words, and a linear support vector machine a class against the rest on them."""

    def __init__(self, settings: BovwClassifier, faces: Faces = FER_FACES) -> None:
        self.settings = settings
        self.bag = Bag(settings.features, faces.side)
        self.arrays: Arrays = {}

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        check_sets(train, valid)
        settings = self.settings
        words = self.bag.fit(train.images, plan.seed, checkpoints)
        rows = self.bag.rows(words)
        limits = (settings.C, settings.tolerance, settings.max_iterations)
        self.arrays, notes = fit_linear(rows, train.labels, *limits, seed=derive(plan.seed, "svm") % 2**32)
        accuracy = float((self.predict_proba(valid.images).argmax(axis=1) == valid.labels).mean())
        row = {"epoch": 1, "valid_accuracy": accuracy}
        observe(1, row)
        blank = int((np.diff(rows.indptr) == 0).sum())
        return Fit([row], 1, accuracy, notes | {"features": rows.shape[1], "blank_images": blank})

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """As the protocol; of an image that shows nothing, what the machine says of no word at all."""
        probabilities: NDArray[np.float64] = softmax(decision_function(self.bag.transform(images), self.arrays), axis=1)
        return probabilities

    def save(self, folder: Path) -> None:
        arrays = {"vocabulary": self.bag.words.vocabulary_, **self.arrays}
        save_state({name: from_numpy(array) for name, array in arrays.items()}, folder / FILE)

    def load(self, folder: Path) -> Self:
        arrays = {name: tensor.numpy() for name, tensor in load_state(folder / FILE).items()}
        self.bag.take(arrays.pop("vocabulary"), folder / FILE)
        self.arrays = arrays
        return self
