"""Losses of GANs as pure functions of logits."""

from torch import Tensor
from torch.nn import functional as F


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
