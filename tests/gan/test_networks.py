"""The networks: sizes, parameters and first weights as published."""

import pytest
import torch
from torch import Tensor, nn

from ferlab.gan.networks import Discriminator, Generator, radford_init, to_network, to_pixels
from small import gan, noise

LABELS = torch.zeros(3, dtype=torch.int64)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("c", "latent"), [(64, 100), (8, 100), (2, 5)])
def test_number_of_parameters(c: int, latent: int) -> None:
    """Convolutions k*k*in*out without bias but for the output (Radford's), two numbers a batch-normalised channel."""
    settings = gan(base_channels=c, latent=latent)
    middle = 16 * (8 * c * 4 * c + 4 * c * 2 * c + 2 * c * c)
    generator = 9 * latent * 8 * c + middle + (16 * c + 1) + 2 * (8 + 4 + 2 + 1) * c
    discriminator = (16 * c + c) + middle + (9 * 8 * c + 1) + 2 * (2 + 4 + 8) * c
    assert parameters(Generator(settings)) == generator
    assert parameters(Discriminator(settings)) == discriminator


def test_the_papers_size() -> None:
    """64 base channels and z of 100, added up by hand from Radford's layers."""
    settings = gan(base_channels=64, latent=100)
    assert parameters(Generator(settings)) == 460_800 + 2_752_512 + 1_025 + 1_920 == 3_216_257
    assert parameters(Discriminator(settings)) == 1_088 + 2_752_512 + 4_609 + 1_792 == 2_760_001


def test_maps_double_from_3_to_48() -> None:
    sizes: list[int] = []
    generator = Generator(gan())
    for layer in generator.layers:
        if isinstance(layer, nn.ConvTranspose2d):
            layer.register_forward_hook(lambda _, __, output: sizes.append(output.shape[-1]))
    images = generator(torch.randn(3, 5, 1, 1), LABELS)
    assert sizes == [3, 6, 12, 24, 48]
    assert images.shape == (3, 1, 48, 48)
    assert images.abs().max() <= 1


def test_the_discriminator_gives_one_unbounded_number_an_image() -> None:
    discriminator = Discriminator(gan()).eval()
    with torch.no_grad():
        discriminator.layers[-1].bias.fill_(50.0)
    logits = discriminator(torch.zeros(3, 1, 48, 48), LABELS)
    assert logits.shape == (3,)
    torch.testing.assert_close(logits, torch.full((3,), 50.0))


def test_no_batch_norm_at_the_generators_output_and_the_discriminators_input() -> None:
    """Radford et al. 2015, section 3; LeakyReLU 0.2 in the discriminator."""
    generator, discriminator = Generator(gan()).layers, Discriminator(gan()).layers
    assert [type(layer) for layer in generator[-2:]] == [nn.ConvTranspose2d, nn.Tanh]
    assert [type(layer) for layer in discriminator[:2]] == [nn.Conv2d, nn.LeakyReLU]
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in generator) == 4
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in discriminator) == 3
    assert {layer.negative_slope for layer in discriminator if isinstance(layer, nn.LeakyReLU)} == {0.2}


@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_first_weights(network: type[nn.Module]) -> None:
    """N(0, 0.02) for convolutions, N(1, 0.02) for batch norm, zero biases."""
    torch.manual_seed(0)
    for layer in network(gan(base_channels=32, latent=100)).modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
            assert layer.bias is None or not layer.bias.any()
            n = layer.weight.numel()
            centre = 1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0
            assert abs(layer.weight.mean().item() - centre) < 5 * 0.02 / n**0.5
            assert layer.weight.std().item() == pytest.approx(0.02, rel=5 / (2 * n) ** 0.5)


@pytest.mark.parametrize(("norm", "groups"), [("layer", 1), ("instance", 8)])
def test_the_discriminators_norm(norm: str, groups: int) -> None:
    """Layer norm over channels and places (as torch's LayerNorm), or instance norm (as torch's); no batch norm."""
    discriminator = Discriminator(gan(critic_norm=norm))
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in discriminator.modules())
    layer = next(layer for layer in discriminator.layers if isinstance(layer, nn.GroupNorm) and layer.num_channels == 8)
    assert layer.num_groups == groups
    maps = torch.randn(3, 8, 6, 6)
    reference: nn.Module = nn.LayerNorm([8, 6, 6]) if norm == "layer" else nn.InstanceNorm2d(8)
    torch.testing.assert_close(layer(maps), reference(maps))


@pytest.mark.parametrize("norm", ["layer", "instance"])
def test_no_image_sees_another_one(norm: str) -> None:
    """What a gradient penalty asks for (Gulrajani et al. 2017, section 4), and what batch norm can't give."""
    images = torch.rand(5, 1, 48, 48)
    discriminator, tied = Discriminator(gan(critic_norm=norm)), Discriminator(gan(critic_norm="batch"))
    labels = torch.zeros(5, dtype=torch.int64)
    alone = discriminator(images[:2], labels[:2])
    torch.testing.assert_close(discriminator(images, labels)[:2], alone, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(tied(images, labels)[:2], tied(images[:2], labels[:2]), rtol=1e-2)


def test_labels_are_told_as_numbers_after_z_and_as_maps_beside_the_image() -> None:
    """Mirza & Osindero 2014: the same as convolving with the one-hot numbers put there by hand."""
    generator, discriminator = Generator(gan(), 3).eval(), Discriminator(gan(), 3).eval()
    z, images, labels = torch.randn(4, 5, 1, 1), torch.rand(4, 1, 48, 48), torch.tensor([0, 2, 1, 2])
    one_hot = torch.eye(3)[labels].reshape(4, 3, 1, 1)
    torch.testing.assert_close(generator(z, labels), generator.layers(torch.cat([z, one_hot], 1)))
    maps = torch.cat([images, one_hot.expand(4, 3, 48, 48)], 1)
    torch.testing.assert_close(discriminator(images, labels), discriminator.layers(maps).flatten())
    other = (labels + 1) % 3
    assert not torch.allclose(generator(z, labels), generator(z, other))
    assert not torch.allclose(discriminator(images, labels), discriminator(images, other))


def test_a_network_told_nothing_ignores_labels() -> None:
    generator, discriminator = Generator(gan()).eval(), Discriminator(gan()).eval()
    z, ones = torch.randn(3, 5, 1, 1), torch.ones(3, dtype=torch.int64)
    assert torch.equal(generator(z, LABELS), generator(z, ones))
    assert torch.equal(discriminator(torch.zeros(3, 1, 48, 48), LABELS), discriminator(torch.zeros(3, 1, 48, 48), ones))


def test_other_layers_keep_their_weights() -> None:
    layer = nn.Linear(3, 3)
    before = layer.weight.clone()
    radford_init(layer)
    assert torch.equal(layer.weight, before)


def test_pixels_to_the_network_and_back() -> None:
    every = torch.arange(256, dtype=torch.uint8).repeat(9).reshape(1, 48, 48)
    inside = to_network(every)
    assert inside.shape == (1, 1, 48, 48)
    assert (inside.min().item(), inside.max().item()) == (-1.0, 1.0)
    assert torch.equal(to_pixels(inside), every)
    faces = torch.from_numpy(noise(4))
    assert torch.equal(to_pixels(to_network(faces)), faces)


@pytest.mark.parametrize(
    ("value", "pixel"), [(-1.0, 0), (1.0, 255), (0.0, 128), (0.004, 128), (-0.004, 127), (1.1, 255), (-3.0, 0)]
)
def test_pixels_are_rounded_and_clamped(value: float, pixel: int) -> None:
    image: Tensor = torch.full((1, 1, 48, 48), value)
    assert to_pixels(image).unique().tolist() == [pixel]
