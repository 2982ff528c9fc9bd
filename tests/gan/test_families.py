"""The table of GAN families, and their settings in params.yaml."""

import pytest

from ferlab.errors import UserError
from ferlab.gan.families import FAMILIES, family_named
from ferlab.gan.networks import Discriminator, Generator
from ferlab.gan.objectives import MINIMAX, WASSERSTEIN
from ferlab.params import load
from ferlab.params.budgets import WHOLE
from ferlab.yaml_file import overlay, read_yaml
from small import REPOSITORY, gan


def test_a_family_by_its_name() -> None:
    assert family_named("dcgan") is FAMILIES["dcgan"]
    with pytest.raises(UserError, match="'stylegan'") as caught:
        family_named("stylegan")
    assert "dcgan" in caught.value.next_step


def test_the_table() -> None:
    """The paper's three, and a control that differs from its CGAN in loss and penalty."""
    assert {name: (family.objective, family.conditional) for name, family in FAMILIES.items()} == {
        "dcgan": (MINIMAX, False),
        "wgan_gp": (WASSERSTEIN, False),
        "cgan": (WASSERSTEIN, True),
        "cgan_plain": (MINIMAX, True),
    }


@pytest.mark.parametrize("name", FAMILIES)
def test_labels_are_told_to_both_networks_of_a_conditional_family_only(name: str) -> None:
    generator, discriminator = FAMILIES[name].networks(gan(), 7)
    assert isinstance(generator, Generator)
    assert isinstance(discriminator, Discriminator)
    assert generator.n_labels == discriminator.n_labels == (7 if FAMILIES[name].conditional else 0)


@pytest.mark.parametrize("budget", ["cpu", "design", "paper"])
def test_the_papers_settings(budget: str) -> None:
    """Experiment A: Adam 1e-4; batch 16, 80 epochs; batch 8, 200 epochs; batch 64. The rest: Radford, Gulrajani."""
    tree = read_yaml(REPOSITORY / "params.yaml")
    overlay(tree, read_yaml(REPOSITORY / "budgets" / f"{budget}.yaml"), WHOLE)
    families = tree["gan"]["families"]
    assert {n: (f["lr"], f["batch_size"], f["epochs"], f["base_channels"]) for n, f in families.items()} == {
        "dcgan": (1e-4, 16, 80, 64),
        "wgan_gp": (1e-4, 8, 200, 64),
        "cgan": (1e-4, 64, 200, 64),
        "cgan_plain": (1e-4, 64, 200, 64),
    }


def test_the_sources_settings() -> None:
    families = load(REPOSITORY / "params.yaml").gan.families
    for name in ("dcgan", "cgan_plain"):  # Radford, Metz & Chintala 2015
        one = families[name]
        assert (one.beta1, one.critic_steps, one.critic_norm, one.penalty) == (0.5, 1, "batch", 0)
    for name in ("wgan_gp", "cgan"):  # Gulrajani et al. 2017, algorithm 1 and section 4
        one = families[name]
        assert (one.beta1, one.beta2, one.critic_steps, one.critic_norm, one.penalty) == (0, 0.9, 5, "layer", 10)
    assert families["wgan_gp"].latent == 128
