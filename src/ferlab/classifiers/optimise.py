"""Stochastic gradient descent as every network is trained: fused, and with a rate of its own for VGG's small head."""

from typing import Any

import torch
from torch import Tensor, nn

from ferlab.classifiers.vgg import Vgg
from ferlab.params import NetworkClassifier


def sgd(model: nn.Module, settings: NetworkClassifier) -> torch.optim.SGD:
    """SGD over all parameters of a model.

    A VGG's layer that stands for 49 positions learns as those would together: their sum moves by 49 times the learning
    rate, and each decays by its own 49th of the sum. The momentum is the same.
    """
    device = next(model.parameters()).device
    positions = model.positions if isinstance(model, Vgg) else 1
    head = model.classifier[0].weight if isinstance(model, Vgg) and positions > 1 else None
    groups: list[dict[str, Any]] = [{"params": [p for p in model.parameters() if p is not head], "scale": 1}]
    if head is not None:
        groups.append({"params": [head], "scale": positions, "weight_decay": settings.weight_decay / positions})
    if device.type == "cuda":  # where a captured step reads it; of float32, as torch's kernels want it
        groups = [{**group, "lr": torch.tensor(settings.lr, device=device)} for group in groups]
    optimizer = torch.optim.SGD(
        groups, settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay, fused=True
    )
    set_rate(optimizer, settings.lr)
    return optimizer


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group its share of a learning rate."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate * group["scale"])
        else:
            group["lr"] = rate * group["scale"]
