"""Dropout whose random numbers belong to one training."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """torch's dropout, bit for bit on a CPU, but from a generator of its own.

    torch's draws from the generator of the whole process (or GPU), which trainings beside each other would share, and
    whose state on a GPU is no part of a checkpoint. Compiled code calls this layer as it is, so it draws the same.

    Attributes:
        p: share of the numbers that become 0 in training; the others grow by 1 / (1 - p).
        generator: lies on the device of the numbers; None for torch's own.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, values: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return values
        return values * torch.empty_like(values).bernoulli_(1 - self.p, generator=self.generator).div_(1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


def draw_dropout_from(generator: torch.Generator, model: nn.Module) -> None:
    """Let all dropout layers of a model draw from one generator, which must be on the model's device."""
    for module in model.modules():
        if isinstance(module, Dropout):
            module.generator = generator
