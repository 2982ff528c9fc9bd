"""The three parts do what ferlab asks of such parts."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from ferlab.gan.families import Family
from ferlab.params import GanFamily
from ferlab.testing.classifiers import ClassifierConformance
from ferlab.testing.datasets import DatasetConformance, Sets
from ferlab.testing.gans import SMALL, GanConformance
from ferlab_example.lsgan import FAMILY, discriminator_loss, generator_loss
from ferlab_example.settings import CentroidSettings


class TestCentroid(ClassifierConformance):
    @pytest.fixture(scope="class", params=[None, 0.5])
    @classmethod
    def settings(cls, request: pytest.FixtureRequest) -> Any:
        return CentroidSettings(method="centroid", prior="uniform", shrink=request.param)


class TestLsgan(GanConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def family(cls) -> Family:
        return FAMILY

    @pytest.fixture(scope="class")
    @classmethod
    def settings(cls) -> GanFamily:
        adam = {"lr": 2e-4, "beta1": 0.5, "beta2": 0.999}
        return GanFamily(**SMALL, **adam, critic_steps=1, critic_norm="batch", penalty=0.0)


class TestNpz(DatasetConformance):
    def members(self, sets: Sets) -> Mapping[str, bytes]:
        return {f"{split}.npz": packed(images.images, names(images)) for split, images in sets.items()}


def names(images: Any) -> Any:
    return np.array(images.classes)[images.labels]


def packed(images: Any, labels: Any) -> bytes:
    content = io.BytesIO()
    np.savez(content, images=images, labels=labels)
    return content.getvalue()


def test_the_losses_are_those_of_the_paper() -> None:
    """Mao et al. 2017, equation 9, by hand."""
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])
    assert discriminator_loss(real, fake) == (0 + 4) / 4 + (0 + 4) / 4
    assert generator_loss(fake) == (1 + 1) / 4
