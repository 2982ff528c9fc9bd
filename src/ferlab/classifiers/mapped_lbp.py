"""Networks on faces and on mapped local binary patterns, averaged (Levi & Hassner 2015)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ferlab.classifiers.architectures import build
from ferlab.classifiers.base import Fit, TrainingPlan, check_sets
from ferlab.classifiers.code_maps import CHANNELS, CodeMaps
from ferlab.classifiers.fit import NetworkTraining
from ferlab.classifiers.inference import probabilities
from ferlab.classifiers.members import MemberEpochs, load_networks
from ferlab.data.colour import NAMES
from ferlab.data.images import FER_FACES, Faces, ImageSet
from ferlab.params import MappedLbpClassifier, NetworkClassifier
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive, seeded

FILE = "mapped_lbp.safetensors"


class MappedLbp:
    """One network on the faces themselves and one on the codes of each radius, all alike; their mean has the say.

    Codes are those of the augmented faces.
    """

    def __init__(self, settings: MappedLbpClassifier, faces: Faces = FER_FACES) -> None:
        self.settings, self.faces = settings, faces
        with seeded(0):  # these weights are only a place for others
            self.models = {name: self._first(radius) for name, radius in self._members()}

    def _members(self) -> Iterator[tuple[str, int | None]]:
        yield NAMES[self.faces.channels].lower(), None
        yield from ((f"radius{radius}", radius) for radius in self.settings.radii)

    def _first(self, radius: int | None) -> nn.Module:
        network, classes = self.settings.network, len(self.faces.classes)
        model = build(network, classes, self.faces.channels) if radius is None else on_codes(network, radius, classes)
        return model.to(memory_format=torch.channels_last)

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        """As the protocol; the history has the members' epochs one after the other, then a row of the whole."""
        check_sets(train, valid)
        history: list[dict[str, float]] = []
        notes: dict[str, float | int | bool] = {}
        for number, (name, radius) in enumerate(self._members()):
            own_plan = replace(plan, seed=derive(plan.seed, name), steps=None, every_epoch=None)
            with seeded(derive(own_plan.seed, "weights")):
                self.models[name].load_state_dict(self._first(radius).state_dict())
            training = NetworkTraining(self.models[name], self.settings.network, train, valid, own_plan)
            fit = training.run(MemberEpochs(number, observe, history), checkpoints.child(name))
            notes[f"{name}_valid_accuracy"] = fit.valid_accuracy
        accuracy = float((self.predict_proba(valid.images).argmax(axis=1) == valid.labels).mean())
        row = {"epoch": len(history) + 1, "member": len(self.models), "valid_accuracy": accuracy}
        observe(len(history) + 1, row)
        history.append(row)
        return Fit(history, len(history), accuracy, notes)

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        faces = torch.from_numpy(np.array(images))
        side = self.settings.network.input_size
        mean: NDArray[np.float64] = np.mean([probabilities(m, faces, side) for m in self.models.values()], axis=0)
        return mean

    def save(self, folder: Path) -> None:
        save_state({name: model.state_dict() for name, model in self.models.items()}, folder / FILE)

    def load(self, folder: Path) -> Self:
        state: dict[str, Any] = load_state(folder / FILE)
        load_networks(self.models, state, folder / FILE)
        return self


def on_codes(settings: NetworkClassifier, radius: int, classes: int) -> nn.Module:
    """A network with fresh weights that sees an image's mapped codes; its first convolution has three channels."""
    network = build(settings, classes)
    name, first = next((name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d))
    weights = torch.empty(first.out_channels, CHANNELS, *first.kernel_size)
    first.in_channels, first.weight = CHANNELS, nn.Parameter(nn.init.kaiming_normal_(weights, mode="fan_out"))
    network.set_submodule(name, nn.Sequential(CodeMaps(radius), first))
    return network
