"""Networks that each leave out another part of the training images, averaged (Tang 2013)."""

from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ferlab.classifiers.base import Fit, TrainingPlan, check_sets
from ferlab.classifiers.cnn import Cnn
from ferlab.classifiers.members import MemberEpochs, load_networks
from ferlab.data.images import FER_FACES, Faces, ImageSet
from ferlab.data.neighbours import first_of_equals
from ferlab.errors import UserError
from ferlab.params import FoldsClassifier
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive

FILE = "folds.safetensors"


class Folds:
    """One network a fold, trained on all images but that fold's, which validate it; the mean of all has the say."""

    def __init__(self, settings: FoldsClassifier, faces: Faces = FER_FACES) -> None:
        self.settings = settings
        self.members = {f"fold{number}": Cnn(settings.network, faces) for number in range(settings.folds)}

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        """As the protocol; the history has the members' epochs one after the other, then a row of the whole.

        A member's accuracies are those on its own fold, the whole's is that on `valid`.
        """
        check_sets(train, valid)
        fold_of = folds_of(train, self.settings.folds)
        history: list[dict[str, float]] = []
        notes: dict[str, float | int | bool] = {}
        for number, (name, member) in enumerate(self.members.items()):
            own_plan = replace(plan, seed=derive(plan.seed, name), steps=None, every_epoch=None)
            kept, left_out = train.take(fold_of != number), train.take(fold_of == number)
            own_observe = MemberEpochs(number, observe, history)
            fit = member.fit(kept, left_out, own_plan, observe=own_observe, checkpoints=checkpoints.child(name))
            notes[f"{name}_accuracy"] = fit.valid_accuracy
        accuracy = float((self.predict_proba(valid.images).argmax(axis=1) == valid.labels).mean())
        row = {"epoch": len(history) + 1, "member": len(self.members), "valid_accuracy": accuracy}
        observe(len(history) + 1, row)
        history.append(row)
        return Fit(history, len(history), accuracy, notes)

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = np.mean([m.predict_proba(images) for m in self.members.values()], axis=0)
        return mean

    def save(self, folder: Path) -> None:
        save_state({name: member.model.state_dict() for name, member in self.members.items()}, folder / FILE)

    def load(self, folder: Path) -> Self:
        networks = {name: member.model for name, member in self.members.items()}
        load_networks(networks, load_state(folder / FILE), folder / FILE)
        return self


def folds_of(images: ImageSet, folds: int) -> NDArray[np.int64]:
    """Part a set into folds with the same share of each class: always the same ones.

    Images of equal pixels are in one fold, so that no member is validated on what it has seen. A group of equal images
    counts once, as its first image's class.

    Returns:
        int64 (N,), the fold of each image, from 0 up.

    Raises:
        UserError: a class has fewer different images than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold  # late: a second, which other classifiers don't need

    first, group = first_of_equals(images.images)
    labels = images.labels[first]
    present, counts = np.unique(labels, return_counts=True)
    if counts.min() < folds:
        fewest = images.classes[present[counts.argmin()]]
        raise UserError(
            f"{folds} folds need {folds} different images of each class, but there are {counts.min()} of {fewest}",
            where="params.yaml: the classifier's `folds`",
            next_step="ask for fewer folds, or add images of that class",
        )
    fold_of = np.zeros(len(first), dtype=np.int64)
    for fold, (_, left_out) in enumerate(StratifiedKFold(folds, shuffle=True, random_state=0).split(labels, labels)):
        fold_of[left_out] = fold
    return fold_of[group]
