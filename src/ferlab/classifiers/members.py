"""Classifiers of several networks: how a DF-SVM's are made and trained, and how any are loaded again."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ferlab.classifiers.base import Fit, TrainingPlan
from ferlab.classifiers.fit import NetworkTraining
from ferlab.classifiers.inference import BATCH, n_channels, n_outputs, to_input
from ferlab.classifiers.vgg import Vgg
from ferlab.classifiers.weights import first_weights
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.params import DfsvmClassifier, Member, VggClassifier
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive, seeded

K = TypeVar("K", bound=str)

OF_DFSVM_ALONE = {"redraw_std", "stop_at_drop"}  # settings of its members' training that no network of its own has


def member_settings(settings: DfsvmClassifier, member: Member) -> VggClassifier:
    """A member as a network of its own."""
    return VggClassifier(
        method="network",
        network=member.network,
        weights=member.weights,
        weights_sha256=member.weights_sha256,
        label_smoothing=0.0,
        targets="majority",
        compile="none",
        amp=False,
        deterministic=True,
        **{key: value for key, value in settings.training if key not in OF_DFSVM_ALONE},
    )


def place_first_weights(model: nn.Module, settings: DfsvmClassifier, member: Member, plan: TrainingPlan) -> None:
    """Give a member that isn't trained the weights of its file."""
    with seeded(derive(plan.seed, member.network)):
        weights = first_weights(member_settings(settings, member), n_outputs(model), n_channels(model))
    model.load_state_dict(weights.state_dict())
    model.to(plan.device)


def train_member(
    model: nn.Module,
    settings: DfsvmClassifier,
    member: Member,
    sets: tuple[ImageSet, ImageSet],
    plan: TrainingPlan,
    observe: Observer,
    checkpoints: Checkpoints,
) -> Fit:
    """Fine-tune a member: its first convolutions keep their weights, and all others are drawn anew if asked for.

    Args:
        sets: train and validation.
        plan: of the whole; the member's seed is derived from it, and it counts its own epochs.
    """
    own_plan = replace(plan, seed=derive(plan.seed, member.network), steps=None)
    network = member_settings(settings, member)
    with seeded(derive(own_plan.seed, "weights")):
        first = first_weights(network, n_outputs(model), n_channels(model))
        if settings.training.redraw_std is not None:
            redraw(first, member.frozen, settings.training.redraw_std)
    model.load_state_dict(first.state_dict())
    freeze(model, member.frozen)
    training = NetworkTraining(model, network, *sets, own_plan)
    return training.run(observe, checkpoints, stop_at_drop=settings.training.stop_at_drop)


def freeze(model: nn.Module, frozen: int) -> None:
    """Let all parameters be trained but those of the first `frozen` convolutions that an image passes."""
    model.requires_grad_(True)
    for layer in [m for m in model.modules() if isinstance(m, nn.Conv2d)][:frozen]:
        layer.requires_grad_(False)


def redraw(model: nn.Module, frozen: int, std: float) -> None:
    """Draw the weights of all layers but the first `frozen` convolutions from N(0, std), and set their biases to 0.

    A head that stands for 49 positions gets the sum of 49 such draws, N(0, 7 std): the same function in distribution.
    """
    assert isinstance(model, Vgg)
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers[frozen:]:
        positions = model.positions if layer is model.classifier[0] else 1
        nn.init.normal_(layer.weight, 0, std * positions**0.5)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def deep_features(model: nn.Module, images: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """What the last fully connected layer below the softmax layer says, after its ReLU.

    Args:
        images: uint8 (N, H, H) or (N, H, H, 3), N at least 1.
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


class MemberEpochs:
    """An observer of one member's epochs, which are told on as epochs of the whole and kept in its history.

    Args:
        number: the member's, from 0.
        observe: of the whole.
        history: of the whole; has the earlier members' rows.
    """

    def __init__(self, number: int, observe: Observer, history: list[dict[str, float]]) -> None:
        self.number, self.observe, self.history, self.before = number, observe, history, len(history)

    def __call__(self, epoch: int, values: Mapping[str, float]) -> None:
        row = {"epoch": self.before + epoch, "member": self.number, "loss": values["train_loss"]}
        row["valid_accuracy"] = values["valid_accuracy"]
        self.observe(self.before + epoch, row)
        self.history.append(row)


def load_networks(models: Mapping[K, nn.Module], states: Mapping[K, Any], path: Path) -> None:
    """Put saved weights into networks.

    Args:
        models, states: by the same names.
        path: the file that the states are from, for the error.

    Raises:
        UserError: the weights are of other networks.
    """
    try:
        for name, model in models.items():
            model.load_state_dict(states[name])
    except (RuntimeError, KeyError) as error:
        raise UserError(
            f"these weights are of other networks: {error}",
            where=str(path),
            next_step="use the settings they were trained with (run.json beside them)",
        ) from None
