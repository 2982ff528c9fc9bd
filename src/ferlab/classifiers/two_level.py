"""A cascade of two levels: which group of expressions it is, and then which within the group."""

from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from ferlab.classifiers.architectures import build
from ferlab.classifiers.base import Fit, TrainingPlan, check_sets
from ferlab.classifiers.fit import NetworkTraining
from ferlab.classifiers.inference import probabilities
from ferlab.classifiers.members import MemberEpochs, load_networks
from ferlab.classifiers.weights import first_weights
from ferlab.data.images import FER_FACES, Faces, ImageSet
from ferlab.errors import UserError
from ferlab.params import TwoLevelClassifier
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive, seeded

FILE = "two_level.safetensors"
FIRST = "groups"  # the first level's name
TINY = np.finfo(np.float64).tiny


class TwoLevel:
    """A network of its own for the groups, and one for each group of several expressions, trained on its images alone.

    P(expression) = P(group) x P(expression | group). Every network has an output an expression; a group stands under
    the first of its own at the first level, and outputs that a level never trains are left out.
    """

    def __init__(self, settings: TwoLevelClassifier, faces: Faces = FER_FACES) -> None:
        self.settings, self.classes, self.channels = settings, faces.classes, faces.channels
        named = [name for group in settings.groups for name in group]
        if sorted(named) != sorted(self.classes):
            raise UserError(
                f"the groups name {', '.join(named)}, and the expressions are {', '.join(self.classes)}",
                where="params.yaml: classifiers, groups",
                next_step="name each expression in one group",
            )
        self.groups = [[self.classes.index(name) for name in group] for group in settings.groups]
        self.levels = {FIRST: [group[0] for group in self.groups]}
        self.levels |= {self._name(group): group for group in self.groups if len(group) > 1}
        with seeded(0):  # these weights are only a place for others
            self.models = {
                name: build(settings.network, len(self.classes), self.channels).to(memory_format=torch.channels_last)
                for name in self.levels
            }

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        """As the protocol; the history has the networks' epochs one after the other, then a row of the whole.

        The plan's rule selects each network's epoch; the whole has its last row alone.
        """
        check_sets(train, valid)
        history: list[dict[str, float]] = []
        notes: dict[str, float | int | bool] = {}
        for number, (name, model) in enumerate(self.models.items()):
            sets = (self.part(name, train), self.part(name, valid))
            own_plan = replace(plan, seed=derive(plan.seed, name), steps=None, every_epoch=None)
            with seeded(derive(own_plan.seed, "weights")):
                first = first_weights(self.settings.network, len(self.classes), self.channels)
            model.load_state_dict(first.state_dict())
            training = NetworkTraining(model, self.settings.network, *sets, own_plan)
            fit = training.run(MemberEpochs(number, observe, history), checkpoints.child(name))
            notes[f"{name}_valid_accuracy"] = fit.valid_accuracy
        accuracy = float((self.predict_proba(valid.images).argmax(axis=1) == valid.labels).mean())
        row = {"epoch": len(history) + 1, "valid_accuracy": accuracy}
        observe(len(history) + 1, row)
        history.append(row)
        return Fit(history, len(history), accuracy, notes)

    def part(self, level: str, images: ImageSet) -> ImageSet:
        """What a network is told: all images by their group, or those of its group.

        Raises:
            UserError: there are fewer than two, from which nothing can be learned or told.
        """
        if level == FIRST:
            first = {member: group[0] for group in self.groups for member in group}
            labels = np.array([first[label] for label in images.labels.tolist()], dtype=np.int64)
            return replace(images, labels=labels, votes=None)
        part = images.take(np.isin(images.labels, self.levels[level]))
        if len(part) < 2:
            raise UserError(
                f"the split '{images.split}' has {len(part)} images of the group {level}, which needs two",
                next_step="`ferlab data audit` counts them; name other groups",
            )
        return part

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        said = {name: self._within(name, images) for name in self.models}
        whole = np.zeros((len(images), len(self.classes)))
        for number, group in enumerate(self.groups):
            whole[:, group] = said[FIRST][:, [number]] * said.get(self._name(group), 1)
        return whole

    def _within(self, level: str, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """float64 (N, outputs that the level trains), rows summing to 1."""
        every = probabilities(self.models[level], torch.from_numpy(np.array(images)), self.settings.network.input_size)
        used = np.maximum(every[:, self.levels[level]], TINY)
        within: NDArray[np.float64] = used / used.sum(axis=1, keepdims=True)
        return within

    def _name(self, group: list[int]) -> str:
        return "-".join(self.classes[i] for i in group)

    def save(self, folder: Path) -> None:
        save_state({name: model.state_dict() for name, model in self.models.items()}, folder / FILE)

    def load(self, folder: Path) -> Self:
        state = load_state(folder / FILE)
        load_networks(self.models, state, folder / FILE)
        return self
