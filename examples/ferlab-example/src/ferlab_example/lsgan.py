"""The least-squares GAN (Mao et al. 2017, equation 9 with a = 0, b = c = 1), on ferlab's own networks."""

from torch import Tensor

from ferlab.gan.families import Family
from ferlab.gan.objectives import Objective


def discriminator_loss(on_real: Tensor, on_fake: Tensor) -> Tensor:
    return ((on_real - 1).square().mean() + on_fake.square().mean()) / 2


def generator_loss(on_fake: Tensor) -> Tensor:
    return (on_fake - 1).square().mean() / 2


FAMILY = Family(Objective(discriminator_loss, generator_loss), conditional=False)
