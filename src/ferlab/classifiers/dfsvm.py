"""DF-SVM: deep features of several VGGs, joined, and a linear support vector machine on them (the paper's B and C)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler, normalize
from torch import from_numpy, nn

from ferlab.classifiers.base import Fit, Plan, check_sets
from ferlab.classifiers.fit import train_network
from ferlab.classifiers.margin import Arrays, Notes, decide, fit_linear, softmax
from ferlab.classifiers.networks import BATCH, build, to_input
from ferlab.classifiers.vgg import Vgg
from ferlab.classifiers.weights import first_weights
from ferlab.data.images import ImageSet
from ferlab.data.labels import FER_CLASSES
from ferlab.errors import UserError
from ferlab.params import DfsvmClassifier, Member, NetworkClassifier, VggClassifier
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive, seeded

FILE = "dfsvm.safetensors"


class Dfsvm:
    """Each member is fine-tuned in turn; then a LinearSVC is fitted on what their last hidden layers say.

    Every member's features are scaled to length 1 before they are joined, so that each has the same say. They are held
    in memory while the machine is fitted: float64, images x members x 4096 x width.
    """

    def __init__(self, settings: DfsvmClassifier) -> None:
        self.settings = settings
        with torch.random.fork_rng(devices=[]):  # these weights are only a place for others
            self.models = {
                member.network: build(member_settings(settings, member), len(FER_CLASSES)).to(
                    memory_format=torch.channels_last
                )
                for member in settings.members
            }
        self.arrays: Arrays = {}

    def fit(self, train: ImageSet, valid: ImageSet, plan: Plan, *, observe: Observer, checkpoints: Checkpoints) -> Fit:
        """As the protocol; the history has the members' epochs one after the other, then a row of the whole."""
        check_sets(train, valid)
        for member in self.settings.members:
            if member.weights != "none":  # absent weights should be told before others are trained for hours
                first_weights(member_settings(self.settings, member), len(FER_CLASSES))
        history: list[dict[str, float]] = []
        notes: Notes = {}
        for number, member in enumerate(self.settings.members):
            found = self._fit_member(number, member, train, valid, plan, observe, checkpoints, history)
            if found:
                notes[f"{member.network}_valid_accuracy"] = found.valid_accuracy
        settings, rows = self.settings, self._features(train.images)
        limits = (settings.C, settings.tolerance, settings.max_iterations)
        seed = derive(plan.seed, "svm") % 2**32
        self.arrays, found_notes = fit_linear(rows, train.labels, *limits, seed=seed)
        scaled = not found_notes["converged"]
        if scaled:  # CASE 29: features of nearly equal rows need it
            scaler = StandardScaler().fit(rows)
            self.arrays, found_notes = fit_linear(scaler.transform(rows), train.labels, *limits, seed=seed)
            self.arrays |= {"mean": scaler.mean_, "scale": scaler.scale_}
        accuracy = float((self.predict_proba(valid.images).argmax(axis=1) == valid.labels).mean())
        row = {"epoch": len(history) + 1, "member": len(settings.members), "valid_accuracy": accuracy}
        observe(len(history) + 1, row)
        history.append(row)
        notes |= found_notes | {"features": rows.shape[1], "scaled": scaled}
        return Fit(history, len(history), accuracy, notes)

    def _fit_member(
        self,
        number: int,
        member: Member,
        train: ImageSet,
        valid: ImageSet,
        plan: Plan,
        observe: Observer,
        checkpoints: Checkpoints,
        history: list[dict[str, float]],
    ) -> Fit | None:
        settings, model = member_settings(self.settings, member), self.models[member.network]
        own = replace(plan, seed=derive(plan.seed, member.network), steps=None)
        if not member.trained:
            with seeded(own.seed):
                model.load_state_dict(first_weights(settings, len(FER_CLASSES)).state_dict())
            model.to(plan.device)
            return None
        before = len(history)

        def told(epoch: int, values: Mapping[str, float]) -> None:
            row = {"epoch": before + epoch, "member": number, "loss": values["train_loss"]}
            row["valid_accuracy"] = values["valid_accuracy"]
            observe(before + epoch, row)
            history.append(row)

        for parameter in model.parameters():
            parameter.requires_grad_(True)
        for layer in _frozen(model, member.frozen):
            for parameter in layer.parameters():
                parameter.requires_grad_(False)
        return train_network(
            model,
            settings,
            train,
            valid,
            own,
            told,
            checkpoints.child(member.network),
            make=lambda network, classes: self._start(network, member, classes),
            stop_at_drop=self.settings.training.stop_at_drop,
        )

    def _start(self, network: NetworkClassifier, member: Member, classes: int) -> nn.Module:
        model = first_weights(network, classes)
        if self.settings.training.redraw_std is not None:
            redraw(model, member.frozen, self.settings.training.redraw_std)
        return model

    def _features(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        side = self.settings.training.input_size
        return np.hstack([normalize(deep_features(model, images, side)) for model in self.models.values()])

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        if not len(images):
            return np.empty((0, len(FER_CLASSES)))
        rows = self._features(images)
        if "mean" in self.arrays:
            rows = (rows - self.arrays["mean"]) / self.arrays["scale"]
        return softmax(decide(rows, self.arrays))

    def save(self, folder: Path) -> None:
        machine = {name: from_numpy(array) for name, array in self.arrays.items()}
        members = {name: model.state_dict() for name, model in self.models.items()}
        save_state({"members": members, "machine": machine}, folder / FILE)

    def load(self, folder: Path) -> Self:
        state: dict[str, Any] = load_state(folder / FILE)
        try:
            for name, model in self.models.items():
                model.load_state_dict(state["members"][name])
        except (RuntimeError, KeyError) as error:
            raise UserError(
                f"these weights are of other networks: {error}",
                where=str(folder / FILE),
                next_step="use the settings they were trained with (run.json beside them)",
            ) from None
        self.arrays = {name: tensor.numpy() for name, tensor in state["machine"].items()}
        return self


def member_settings(settings: DfsvmClassifier, member: Member) -> VggClassifier:
    """A member as a network of its own."""
    told = {key: value for key, value in settings.training if key not in ("redraw_std", "stop_at_drop")}
    return VggClassifier(
        method="network",
        network=member.network,
        weights=member.weights,
        weights_sha256=member.weights_sha256,
        label_smoothing=0.0,
        compile="none",
        amp=False,
        deterministic=True,
        **told,
    )


def redraw(model: nn.Module, frozen: int, std: float) -> None:
    """Draw the weights of all layers but the first `frozen` convolutions from N(0, std), and set their biases to 0.

    A head that stands for 49 places gets the sum of 49 such draws, N(0, 7 std): the same function in distribution.
    """
    assert isinstance(model, Vgg)
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers[frozen:]:
        places = model.places if layer is model.classifier[0] else 1
        nn.init.normal_(layer.weight, 0, std * places**0.5)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _frozen(model: nn.Module, frozen: int) -> list[nn.Conv2d]:
    """The first `frozen` convolutions, in the order in which an image passes them."""
    return [m for m in model.modules() if isinstance(m, nn.Conv2d)][:frozen]


def deep_features(model: nn.Module, images: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """What the last fully connected layer below the softmax layer says, after its ReLU.

    Args:
        images: uint8 (N, 48, 48), N at least 1.
        side: the model's input size.

    Returns:
        float64 (N, hidden).
    """
    assert isinstance(model, Vgg)
    device = next(model.parameters()).device
    model.eval()
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            faces = to_input(torch.from_numpy(np.array(images[start : start + BATCH])).to(device), side)
            faces = faces.contiguous(memory_format=torch.channels_last)
            maps = model.avgpool(model.features(faces)).flatten(1)
            rows.append(model.classifier[:-2](maps).double().cpu().numpy())
    return np.concatenate(rows)
