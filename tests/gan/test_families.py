"""The table of GAN families."""

import pytest
import torch

from ferlab.errors import UserError
from ferlab.gan import networks
from ferlab.gan.families import FAMILIES, find
from ferlab.gan.objectives import minimax_critic_loss, non_saturating_generator_loss
from small import gan


def test_find() -> None:
    assert find("dcgan") is FAMILIES["dcgan"]
    with pytest.raises(UserError, match="'stylegan'") as caught:
        find("stylegan")
    assert "dcgan" in caught.value.next_step


def test_dcgan_is_radfords_networks_with_goodfellows_losses() -> None:
    family, settings = find("dcgan"), gan()
    generator, critic = family.networks(settings, 7)
    assert isinstance(generator, networks.Generator)
    assert isinstance(critic, networks.Critic)
    assert not family.conditional
    critic.eval()
    real, fake, labels = torch.rand(4, 1, 48, 48), torch.rand(4, 1, 48, 48), torch.zeros(4, dtype=torch.int64)
    on_real, on_fake = critic(real, labels), critic(fake, labels)
    torch.testing.assert_close(
        family.critic_loss(critic, real, fake, labels, settings), minimax_critic_loss(on_real, on_fake)
    )
    torch.testing.assert_close(family.generator_loss(critic, fake, labels), non_saturating_generator_loss(on_fake))
