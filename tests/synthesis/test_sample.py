"""Drawing from a generator."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ferlab.gan.networks import Generator, to_pixels
from ferlab.synthesis.sample import CHUNK, draw
from ferlab.training.seeding import random_generator
from small import gan


@pytest.fixture(scope="module")
def generator() -> nn.Module:
    torch.manual_seed(0)
    network = Generator(gan())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(20)  # far from grey
    return network.eval()


@pytest.mark.parametrize("n", [0, 1, 49, 50, 51, 120])
def test_the_first_images_do_not_depend_on_the_number(generator: nn.Module, n: int) -> None:
    images = draw(generator, 5, 0, n, seed=3)
    assert images.shape == (n, 48, 48)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, draw(generator, 5, 0, 130, seed=3)[:n])


def test_images_are_the_generators(generator: nn.Module) -> None:
    z = torch.randn(CHUNK, 5, 1, 1, generator=random_generator(3, "z"))
    with torch.no_grad():
        expected = to_pixels(generator(z, torch.zeros(CHUNK, dtype=torch.int64))).numpy()
    found = draw(generator, 5, 0, 20, seed=3)
    np.testing.assert_array_equal(found, expected[:20])
    assert found.std() > 10
    assert len(np.unique(found.reshape(20, -1), axis=0)) == 20


def test_the_seed_decides(generator: nn.Module) -> None:
    torch.manual_seed(1)
    first = draw(generator, 5, 0, 5, seed=1)
    torch.manual_seed(2)
    np.testing.assert_array_equal(first, draw(generator, 5, 0, 5, seed=1))
    assert not np.array_equal(first, draw(generator, 5, 0, 5, seed=2))


class Told(nn.Module):
    """A conditional generator that shows its label as brightness."""

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return (labels / 127.5 - 1).reshape(-1, 1, 1, 1).expand(-1, 1, 48, 48)


@pytest.mark.parametrize("label", [0, 6])
def test_a_conditional_generator_is_told_the_label(label: int) -> None:
    assert np.unique(draw(Told(), 5, label, 3, seed=0)).tolist() == [label]
