"""The table of GAN families. A family is data: an objective, whether it is told labels, and its settings."""

from dataclasses import dataclass

from torch import nn

from ferlab.errors import UserError
from ferlab.gan.networks import Critic, Generator
from ferlab.gan.objectives import MINIMAX, WASSERSTEIN, Objective
from ferlab.params import GanFamily


@dataclass(frozen=True)
class Family:
    """One way to make faces. Sizes, the critic's norm, the penalty and the critic's steps are settings (params.yaml).

    Attributes:
        objective: what each side minimises; the settings may add a gradient penalty to the critic's.
        conditional: one GAN for all labels, which are told to both sides; otherwise one GAN a label.
    """

    objective: Objective
    conditional: bool

    def networks(self, settings: GanFamily, n_labels: int) -> tuple[nn.Module, nn.Module]:
        """A new (generator, critic). Both are called with labels; those of an unconditional family ignore them."""
        told = n_labels if self.conditional else 0
        return Generator(settings, told), Critic(settings, told)


FAMILIES = {
    "dcgan": Family(MINIMAX, conditional=False),  # Radford, Metz & Chintala 2015
    "wgan_gp": Family(WASSERSTEIN, conditional=False),  # Gulrajani et al. 2017
    "cgan": Family(WASSERSTEIN, conditional=True),  # the paper's: labels to both sides, gradient penalty
    "cgan_plain": Family(MINIMAX, conditional=True),  # control: labels, but DCGAN's loss and no penalty
}


def find(name: str) -> Family:
    """The family of that name.

    Raises:
        UserError: there is none.
    """
    if name not in FAMILIES:
        raise UserError(
            f"no GAN family is called '{name}'",
            where="params.yaml: gan.families",
            next_step=f"ferlab has {', '.join(FAMILIES)}",
        )
    return FAMILIES[name]
