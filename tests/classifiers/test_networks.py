"""The networks for small grey faces against torchvision's own, and what goes in and comes out."""

from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from ferlab.classifiers.architectures import build
from ferlab.classifiers.cnn import Cnn
from ferlab.classifiers.inference import BATCH, probabilities, to_input
from ferlab.classifiers.optimise import sgd
from ferlab.classifiers.weights import adopt
from ferlab.errors import UserError
from ferlab.params import NetworkClassifier, ResnetClassifier, VggClassifier
from small import network, noise, vgg

RESNETS: tuple[str, ...] = get_args(ResnetClassifier.model_fields["network"].annotation)
VGGS: tuple[str, ...] = get_args(VggClassifier.model_fields["network"].annotation)
PUBLISHED = {  # number of parameters, from torchvision's documentation
    "resnet18": 11_689_512, "resnet50": 25_557_032,
    "vgg13": 133_047_848, "vgg16": 138_357_544, "vgg19": 143_667_240,
    "vgg13_bn": 133_053_736, "vgg16_bn": 138_365_992, "vgg19_bn": 143_678_248,
}  # fmt: skip


def settings_of(name: str, **changes: Any) -> NetworkClassifier:
    if name in RESNETS:
        return network(network=name, **changes)
    plain = name.removesuffix("_bn")
    return vgg(network=plain, batch_norm=plain != name, **changes)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def after_a_training(model: nn.Module) -> nn.Module:
    """Not as at a network's start, where batch norms do nothing."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.0)
                module.bias.uniform_(-0.2, 0.2)
                module.running_mean.uniform_(-0.1, 0.1)
    return model


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vgg16", "vgg16_bn", "vgg19"])
def test_it_is_torchvisions_network(name: str) -> None:
    """With torchvision's weights a grey face gets the same logits, VGG's 512-wide head included."""
    torch.manual_seed(0)
    reference = after_a_training(torchvision.models.get_model(name, weights=None, num_classes=7)).eval()
    ours = build(settings_of(name, width=1.0, zero_init_residual=False) if name in RESNETS
                 else settings_of(name, width=1.0), 7).eval()  # fmt: skip
    adopt(ours, reference.state_dict(), "a test")
    faces = to_input(torch.from_numpy(noise(2)), 48)
    with torch.no_grad():
        expected, found = reference(faces.expand(-1, 3, -1, -1)), ours(faces)
    assert expected.std() > 0
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * expected.abs().max().item())


def test_resnets_batch_norm_is_torchvisions_in_training_too() -> None:
    torch.manual_seed(0)
    reference = after_a_training(torchvision.models.resnet50(weights=None, num_classes=7))
    ours = build(network(width=1.0), 7)
    adopt(ours, reference.state_dict(), "a test")
    faces = to_input(torch.from_numpy(noise(4)), 48)
    with torch.no_grad():
        expected, found = reference(faces.expand(-1, 3, -1, -1)), ours(faces)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize("name", PUBLISHED)
def test_number_of_parameters(name: str) -> None:
    """torchvision's, less two colours of the first filters, 993 classes and 48 of VGG's 49 positions."""
    with torch.device("meta"):
        published = parameters(torchvision.models.get_model(name, weights=None))
        found = parameters(build(settings_of(name, width=1.0), 7))
        small = parameters(build(settings_of(name, width=0.25), 7))
    assert published == PUBLISHED[name]
    if name in RESNETS:
        features = 2048 if name == "resnet50" else 512
        assert found == published - 2 * 64 * 49 - 993 * (features + 1)
    else:
        assert found == published - 2 * 64 * 9 - 993 * 4097 - 48 * 512 * 4096
        assert small == vgg_parameters(name, 0.25)
        assert found == vgg_parameters(name, 1.0)


def vgg_parameters(name: str, width: float) -> int:
    """Simonyan & Zisserman 2015, table 1, written out: 3x3 filters and biases, two numbers a batch norm, the head."""
    repeats = {"vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}[name.removesuffix("_bn")]
    channels = [1] + [int(c * width) for c, n in zip((64, 128, 256, 512, 512), repeats, strict=True) for _ in range(n)]
    convolutions = sum(9 * a * b + b for a, b in pairwise(channels))
    norms = 2 * sum(channels[1:]) if name.endswith("_bn") else 0
    hidden = int(4096 * width)
    return convolutions + norms + (channels[-1] + 1) * hidden + (hidden + 1) * hidden + (hidden + 1) * 7


@pytest.mark.parametrize(("stem", "kernel"), [("imagenet", 49), ("3x3", 9), ("3x3_pool", 9)])
def test_number_of_parameters_by_stem(stem: str, kernel: int) -> None:
    with torch.device("meta"):
        found = parameters(build(network(width=1.0, stem=stem), 7))
    assert found == PUBLISHED["resnet50"] - 3 * 64 * 49 + 64 * kernel - 993 * 2049


@pytest.mark.parametrize(
    ("stem", "sizes"), [("imagenet", [12, 6, 3, 2]), ("3x3_pool", [24, 12, 6, 3]), ("3x3", [48, 24, 12, 6])]
)
@pytest.mark.parametrize(("name", "expansion"), [("resnet18", 1), ("resnet50", 4)])
def test_maps(name: str, expansion: int, stem: str, sizes: list[int]) -> None:
    """The stem decides what is left of 48 pixels."""
    model, maps = build(network(network=name, width=0.125, stem=stem), 7).eval(), list[tuple[int, ...]]()
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        layer.register_forward_hook(lambda _, __, output: maps.append(tuple(output.shape[1:])))
    with torch.no_grad():
        assert model(torch.zeros(2, 1, 48, 48)).shape == (2, 7)
    channels = [expansion * c // 8 for c in (64, 128, 256, 512)]
    assert maps == [(c, size, size) for c, size in zip(channels, sizes, strict=True)]


@pytest.mark.parametrize("zero", [True, False])
@pytest.mark.parametrize(("name", "last"), [("resnet18", "bn2"), ("resnet50", "bn3")])
def test_first_weights_of_resnets(name: str, last: str, zero: bool) -> None:
    """He et al. 2015: std sqrt(2 / fan out); Goyal et al. 2017: residual branches start at zero."""
    torch.manual_seed(0)
    for where, module in build(network(network=name, width=0.25, zero_init_residual=zero), 7).named_modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] ** 2
            n = module.weight.numel()
            assert module.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=5 / (2 * n) ** 0.5)
        elif isinstance(module, nn.BatchNorm2d):
            assert module.weight.unique().tolist() == [0.0 if zero and where.endswith(last) else 1.0]


@pytest.mark.parametrize("name", [*RESNETS, *VGGS])
def test_one_step_at_full_width(name: str) -> None:
    """Each network as published takes a step of SGD that lowers the loss of its own batch."""
    torch.manual_seed(0)
    settings = settings_of(name, width=1.0, dropout=0.0) if name in VGGS else settings_of(name, width=1.0)
    model, labels = build(settings, 7).to(memory_format=torch.channels_last), torch.tensor([3, 6])
    optimizer = sgd(model, settings.model_copy(update={"lr": 1e-3}))
    faces, losses = to_input(torch.from_numpy(noise(2)), 48), []
    for _ in range(2):
        loss = F.cross_entropy(model(faces), labels)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert 0 < losses[1] < losses[0]


@pytest.mark.parametrize("name", ["resnet50", "vgg16"])
def test_at_224_pixels(name: str) -> None:
    """VGG then has its 49 positions; the same picture goes in, enlarged."""
    model = build(settings_of(name, input_size=224), 7)
    with torch.no_grad():
        assert model(to_input(torch.from_numpy(noise(2)), 224)).shape == (2, 7)


def test_input() -> None:
    """(pixel / 255 - 0.5) / 0.25."""
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).repeat(1, 48, 16)
    found = to_input(pixels, 48)
    assert found.shape == (1, 1, 48, 48)
    torch.testing.assert_close(found.unique(), torch.tensor([-2.0, -1.2, 2.0]))


def test_input_enlarged() -> None:
    """A ramp stays a ramp: bilinear, as torchvision's own resize."""
    ramp = (torch.arange(48) * 5).to(torch.uint8).expand(1, 48, 48)
    expected = torchvision.transforms.functional.resize(to_input(ramp, 48), [224, 224], antialias=True)
    torch.testing.assert_close(to_input(ramp, 224), expected, rtol=0, atol=1e-5)


def test_weights_of_another_width_are_an_error(tmp_path: Path) -> None:
    Cnn(network()).save(tmp_path)
    with pytest.raises(UserError, match="not of this network"):
        Cnn(network(width=0.125)).load(tmp_path)


class Corner(nn.Module):
    """Logits from seven pixels of the first row."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(1, 7)  # says how many classes there are
        self.scale = nn.Parameter(torch.tensor(5.0))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert not self.training
        assert len(images) <= BATCH
        return self.scale * images[:, 0, 0, :7]


@pytest.mark.parametrize("n", [0, 1, BATCH, BATCH + 2])
def test_probabilities_are_the_softmax_in_float64(n: int) -> None:
    images = noise(n)
    logits = 5 * (images[:, 0, :7].astype(np.float32) / 255 - 0.5) / 0.25
    powers = np.exp(logits.astype(np.float64))
    found = probabilities(Corner(), torch.from_numpy(images), 48)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-15)
