"""The table of GAN families. A family is data: networks, objective, and whether it sees labels."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from ferlab.errors import UserError
from ferlab.gan import networks, objectives
from ferlab.params import GanFamily

CriticLoss = Callable[[nn.Module, Tensor, Tensor, Tensor, GanFamily], Tensor]
"""(critic, real, fake, labels, settings) -> scalar loss. real, fake: float32 (N, 1, 48, 48); labels int64 (N,)."""

GeneratorLoss = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""(critic, fake, labels) -> scalar loss."""


@dataclass(frozen=True)
class Family:
    """One way to make faces.

    Attributes:
        networks: (settings, number of labels) -> (generator, critic).
        critic_loss, generator_loss: what each side minimises.
        conditional: one GAN for all labels, which are told to both sides; otherwise one GAN a label.
    """

    networks: Callable[[GanFamily, int], tuple[nn.Module, nn.Module]]
    critic_loss: CriticLoss
    generator_loss: GeneratorLoss
    conditional: bool


def _minimax(critic: nn.Module, real: Tensor, fake: Tensor, labels: Tensor, settings: GanFamily) -> Tensor:
    return objectives.minimax_critic_loss(critic(real, labels), critic(fake, labels))


def _non_saturating(critic: nn.Module, fake: Tensor, labels: Tensor) -> Tensor:
    return objectives.non_saturating_generator_loss(critic(fake, labels))


FAMILIES = {
    "dcgan": Family(  # Radford, Metz & Chintala 2015
        networks=lambda settings, n_labels: (networks.DcganGenerator(settings), networks.DcganCritic(settings)),
        critic_loss=_minimax,
        generator_loss=_non_saturating,
        conditional=False,
    ),
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
