"""Losses of GANs as pure functions of logits, and the gradient penalty."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Objective:
    """What the two networks minimise.

    Attributes:
        discriminator: (logits of real images, logits of fake images) -> scalar.
        generator: (logits of fake images) -> scalar.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def minimax_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The discriminator's loss of Goodfellow et al. 2014: mean of -log D(x) plus mean of -log(1 - D(G(z))).

    2 ln 2 where all logits are zero.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def non_saturating_generator_loss(fake_logits: Tensor) -> Tensor:
    """The generator's loss of Goodfellow et al. 2014, section 3: mean of -log D(G(z)).

    ln 2 where all logits are zero.
    """
    return F.softplus(-fake_logits).mean()


def wasserstein_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The critic's loss of Arjovsky et al. 2017: mean D(G(z)) minus mean D(x), the estimated distance with a minus."""
    return fake_logits.mean() - real_logits.mean()


def wasserstein_generator_loss(fake_logits: Tensor) -> Tensor:
    """The generator's loss of Arjovsky et al. 2017: minus mean D(G(z))."""
    return -fake_logits.mean()


def gradient_norms(discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, alpha: Tensor) -> Tensor:
    """The Euclidean norm of the discriminator's gradient at a point between each real and each fake image.

    Args:
        discriminator: float32 (N, channels, side, side) -> logits (N,); no image may see another one.
        real, fake: float32 (N, channels, side, side), without a graph.
        alpha: float32 (N, 1, 1, 1) in [0, 1), the weight of the real image in a point (Gulrajani et al. 2017, algorithm
            1: one uniform number an image).

    Returns:
        float32 (N,), differentiable in the discriminator's weights.
    """
    between = torch.lerp(fake, real, alpha).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return norms


def gradient_penalty(norms: Tensor) -> Tensor:
    """Mean of (norm - 1)² (Gulrajani et al. 2017, equation 3). For a discriminator w·x it is (|w| - 1)²."""
    return (norms - 1).square().mean()


MINIMAX = Objective(minimax_discriminator_loss, non_saturating_generator_loss)
WASSERSTEIN = Objective(wasserstein_discriminator_loss, wasserstein_generator_loss)
