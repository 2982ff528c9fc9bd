"""ResNet-50 for small grey faces against torchvision's own."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import resnet50

from ferlab.classifiers.networks import BATCH, NETWORKS, Resnet50, build, probabilities, to_input
from ferlab.params import NetworkClassifier
from small import network, noise


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_it_is_torchvisions_network(training: bool) -> None:
    """With torchvision's weights (the first convolution summed over colours) a grey face gets the same logits."""
    torch.manual_seed(0)
    reference, ours = resnet50(weights=None), Resnet50(1.0, "imagenet", False, classes=1000)
    with torch.no_grad():
        for module in reference.modules():
            if isinstance(module, nn.BatchNorm2d):  # as after a training, not as at its start
                module.weight.uniform_(0.5, 1.0)
                module.bias.uniform_(-0.2, 0.2)
    weights = reference.state_dict()
    weights["conv1.weight"] = weights["conv1.weight"].sum(dim=1, keepdim=True)
    ours.load_state_dict(weights)
    faces = to_input(torch.from_numpy(noise(4)))
    for model in (reference, ours):
        model.train(training)
    with torch.no_grad():
        expected, found = reference(faces.expand(-1, 3, -1, -1)), ours(faces)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


def test_number_of_parameters() -> None:
    """torchvision's less two colours of 64 kernels of 7x7 and 993 classes of 2048 weights and a bias."""
    published = parameters(resnet50(weights=None))
    assert published == 25_557_032  # torchvision's documentation
    assert parameters(Resnet50(1.0, "imagenet", True, 7)) == published - 2 * 64 * 49 - 993 * 2049
    assert parameters(Resnet50(1.0, "3x3", True, 7)) == published - 3 * 64 * 49 + 64 * 9 - 993 * 2049


@pytest.mark.parametrize(
    ("stem", "sizes"), [("imagenet", [12, 6, 3, 2]), ("3x3_pool", [24, 12, 6, 3]), ("3x3", [48, 24, 12, 6])]
)
@pytest.mark.parametrize("width", [0.0625, 0.125])
def test_maps(stem: str, sizes: list[int], width: float) -> None:
    """CASE 24: the stem decides what is left of 48 pixels."""
    model, maps = Resnet50(width, stem, True, 7).eval(), []
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        layer.register_forward_hook(lambda _, __, output: maps.append(tuple(output.shape[1:])))
    with torch.no_grad():
        assert model(torch.zeros(2, 1, 48, 48)).shape == (2, 7)
    channels = [round(4 * c * width) for c in (64, 128, 256, 512)]
    assert maps == [(c, size, size) for c, size in zip(channels, sizes, strict=True)]


@pytest.mark.parametrize("zero", [True, False])
def test_first_weights(zero: bool) -> None:
    """He et al. 2015: std sqrt(2 / fan out); Goyal et al. 2017: residual branches start at zero."""
    torch.manual_seed(0)
    for name, module in Resnet50(0.25, "imagenet", zero, 7).named_modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] ** 2
            n = module.weight.numel()
            assert module.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=5 / (2 * n) ** 0.5)
        elif isinstance(module, nn.BatchNorm2d):
            assert module.weight.unique().tolist() == [0.0 if zero and name.endswith("bn3") else 1.0]


def test_every_network_of_the_parameters_can_be_built() -> None:
    assert set(NetworkClassifier.model_fields["network"].annotation.__args__) == set(NETWORKS)  # type: ignore[union-attr]
    assert build(network(), 7)(torch.zeros(2, 1, 48, 48)).shape == (2, 7)


def test_input() -> None:
    """(pixel / 255 - 0.5) / 0.25."""
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).repeat(1, 48, 16)
    found = to_input(pixels)
    assert found.shape == (1, 1, 48, 48)
    torch.testing.assert_close(found.unique(), torch.tensor([-2.0, -1.2, 2.0]))


class Corner(nn.Module):
    """Logits from seven pixels of the first row."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(5.0))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert not self.training
        assert len(images) <= BATCH
        return self.scale * images[:, 0, 0, :7]


@pytest.mark.parametrize("n", [1, BATCH, BATCH + 2])
def test_probabilities_are_the_softmax_in_float64(n: int) -> None:
    images = noise(n)
    logits = 5 * (images[:, 0, :7].astype(np.float32) / 255 - 0.5) / 0.25
    powers = np.exp(logits.astype(np.float64))
    found = probabilities(Corner(), torch.from_numpy(images))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-15)
