"""The table of GAN families. A family is data: an objective, whether it is conditional, and its settings."""

from dataclasses import dataclass

from torch import nn

from ferlab.data.images import SIDE
from ferlab.errors import UserError
from ferlab.gan.networks import Discriminator, Generator
from ferlab.gan.objectives import MINIMAX, WASSERSTEIN, Objective
from ferlab.params import GanFamily
from ferlab.parts import GANS, offers


@dataclass(frozen=True)
class Family:
    """One way to make faces. Sizes, the discriminator's norm, the penalty and its steps are settings (params.yaml).

    A family with networks of its own is a subclass with another `networks`.

    Attributes:
        objective: what each network minimises; the settings may add a gradient penalty to the discriminator's.
        conditional: one GAN for all labels, which are told to both networks; otherwise one GAN a label.
    """

    objective: Objective
    conditional: bool

    def networks(self, settings: GanFamily, n_labels: int, side: int = SIDE) -> tuple[nn.Module, nn.Module]:
        """A new (generator, discriminator). Both are called with labels, which an unconditional family's ignore."""
        told = n_labels if self.conditional else 0
        return Generator(settings, told, side), Discriminator(settings, told, side)


FAMILIES = {
    "dcgan": Family(MINIMAX, conditional=False),  # Radford, Metz & Chintala 2015
    "wgan_gp": Family(WASSERSTEIN, conditional=False),  # Gulrajani et al. 2017
    "cgan": Family(WASSERSTEIN, conditional=True),  # the paper's: labels to both networks, gradient penalty
    "cgan_plain": Family(MINIMAX, conditional=True),  # control: labels, but DCGAN's loss and no penalty
}


def family_named(name: str) -> Family:
    """The family of that name, ferlab's own or another package's.

    Raises:
        UserError: there is none, or it can't be imported.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    others = offers(GANS)
    if name not in others:
        raise UserError(
            f"no GAN family is called '{name}'",
            where="params.yaml: gan.families",
            next_step=f"there are {', '.join((*FAMILIES, *others))}",
        )
    return others[name].load(Family)
