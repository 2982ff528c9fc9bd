"""Losses of GANs as pure functions of logits, and the gradient penalty."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Objective:
    """What the two sides minimise.

    Attributes:
        critic: (logits of real images, logits of fake images) -> scalar.
        generator: (logits of fake images) -> scalar.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def minimax_critic_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The discriminator's loss of Goodfellow et al. 2014: mean of -log D(x) plus mean of -log(1 - D(G(z))).

    2 ln 2 where all logits are zero.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def non_saturating_generator_loss(fake_logits: Tensor) -> Tensor:
    """The generator's loss of Goodfellow et al. 2014, section 3: mean of -log D(G(z)).

    ln 2 where all logits are zero.
    """
    return F.softplus(-fake_logits).mean()


def wasserstein_critic_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The critic's loss of Arjovsky et al. 2017: mean D(G(z)) minus mean D(x), the estimated distance with a minus."""
    return fake_logits.mean() - real_logits.mean()


def wasserstein_generator_loss(fake_logits: Tensor) -> Tensor:
    """The generator's loss of Arjovsky et al. 2017: minus mean D(G(z))."""
    return -fake_logits.mean()


def slopes(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """How steep the critic is between real and fake images: the Euclidean norm of its gradient at each point.

    Args:
        critic: float32 (N, 1, 48, 48) -> logits (N,); no image may see another one.
        real, fake: float32 (N, 1, 48, 48), without a graph.
        share: float32 (N, 1, 1, 1) in [0, 1): how much of the real image a point holds (Gulrajani et al. 2017,
            algorithm 1: one uniform number an image).

    Returns:
        float32 (N,), differentiable in the critic's weights.
    """
    between = torch.lerp(fake, real, share).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    steepness: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return steepness


def gradient_penalty(steepness: Tensor) -> Tensor:
    """Mean of (slope - 1)² (Gulrajani et al. 2017, equation 3). For a critic w·x it is (|w| - 1)²."""
    return (steepness - 1).square().mean()


MINIMAX = Objective(minimax_critic_loss, non_saturating_generator_loss)
WASSERSTEIN = Objective(wasserstein_critic_loss, wasserstein_generator_loss)
