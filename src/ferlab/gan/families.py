"""The table of GAN families. A family is data: an objective, whether it is conditional, and its settings."""

from dataclasses import dataclass

from torch import nn

from ferlab.data.colour import GREY
from ferlab.data.images import SIDE
from ferlab.errors import UserError
from ferlab.gan.networks import Discriminator, Generator
from ferlab.gan.objectives import MINIMAX, WASSERSTEIN, Objective
from ferlab.params import GanFamily
from ferlab.parts import GANS, offers, takes


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

    def networks(
        self, settings: GanFamily, n_labels: int, side: int = SIDE, channels: int = GREY
    ) -> tuple[nn.Module, nn.Module]:
        """A new (generator, discriminator). Both are called with labels, which an unconditional family's ignore."""
        told = n_labels if self.conditional else 0
        return Generator(settings, told, side, channels), Discriminator(settings, told, side, channels)


FAMILIES = {
    "dcgan": Family(MINIMAX, conditional=False),  # Radford, Metz & Chintala 2015
    "wgan_gp": Family(WASSERSTEIN, conditional=False),  # Gulrajani et al. 2017
    "cgan": Family(WASSERSTEIN, conditional=True),  # the paper's: labels to both networks, gradient penalty
    "cgan_plain": Family(MINIMAX, conditional=True),  # control: labels, but DCGAN's loss and no penalty
}


def networks_of(
    family: Family, settings: GanFamily, n_labels: int, side: int, channels: int
) -> tuple[nn.Module, nn.Module]:
    """A family's networks for images of a side and of 1 or 3 channels.

    Raises:
        UserError: networks of its own know grey images alone.
    """
    if channels == GREY:
        return family.networks(settings, n_labels, side)
    if not takes(family.networks, "channels"):
        raise UserError(
            f"the GAN family {type(family).__module__}.{type(family).__name__} makes grey images alone, and the "
            "study's are RGB",
            where="params.yaml: data.channels",
            next_step="set it to 1, or leave that family out of run.families; one that makes both takes `channels` in "
            "`networks`",
        )
    return family.networks(settings, n_labels, side, channels)


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
