"""VGG's 512-wide head at 48 px is the published head: the same function, and it learns the same."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferlab.classifiers.architectures import build
from ferlab.classifiers.inference import to_input
from ferlab.classifiers.optimise import set_rate, sgd
from ferlab.classifiers.vgg import POSITIONS
from ferlab.classifiers.weights import adopt
from small import noise, vgg

SETTINGS = vgg(dropout=0.25, batch_norm=True, momentum=0.9, weight_decay=0.05)
FACES = to_input(torch.from_numpy(noise(8)), 48).double()
LABELS = torch.arange(8) % 7


class Published(nn.Module):
    """The same layers with torchvision's average pool and a head of 49 positions."""

    def __init__(self) -> None:
        super().__init__()
        small = build(SETTINGS, 7)
        self.features = small.features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        first, *rest = small.classifier
        self.classifier = nn.Sequential(nn.Linear(first.in_features * POSITIONS, first.out_features), *rest)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.avgpool(self.features(images)).flatten(1))
        return logits


def losses(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[float]:
    """50 steps on one batch with a rate that changes; both models drop the same units."""
    torch.manual_seed(7)
    found = []
    for step in range(50):
        rate = 1e-3 * (1 + step % 5)
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("scale", 1)
        loss = F.cross_entropy(model(FACES), LABELS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def pair() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(1)
    published, small = Published().double(), build(SETTINGS, 7).double()
    adopt(small, published.state_dict(), "a test")
    return published, small


def test_it_learns_as_the_published_head_does() -> None:
    published, small = pair()
    plain = torch.optim.SGD(published.parameters(), 1.0, momentum=0.9, weight_decay=0.05)
    expected, found = losses(published, plain), losses(small, sgd(small, SETTINGS))
    assert expected[-1] < 0.8 * expected[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("forgotten", ["lr", "weight_decay"])
def test_it_would_not_without_its_own_rate_and_decay(forgotten: str) -> None:
    """The comparison above can fail."""
    published, small = pair()
    plain = torch.optim.SGD(published.parameters(), 1.0, momentum=0.9, weight_decay=0.05)
    wrong = sgd(small, SETTINGS)
    wrong.param_groups[1].update({"lr": {"scale": 1}, "weight_decay": {"weight_decay": 0.05}}[forgotten])
    difference = torch.tensor(losses(small, wrong)) - torch.tensor(losses(published, plain))
    assert difference.abs().max() > 1e-6


def test_first_weights() -> None:
    """torchvision's: N(0, 0.01) in the head, whose first layer here is the sum of 49 such draws; He in the features."""
    torch.manual_seed(0)
    model = build(vgg(width=0.25), 7)
    for layer, std in zip((0, 3, 6), (0.07, 0.01, 0.01), strict=True):
        weight = model.classifier[layer].weight
        assert weight.std().item() == pytest.approx(std, rel=5 / (2 * weight.numel()) ** 0.5)
        assert not model.classifier[layer].bias.any()
    for module in model.features:
        if isinstance(module, nn.Conv2d):
            expected = (2 / (9 * module.out_channels)) ** 0.5
            assert module.weight.std().item() == pytest.approx(expected, rel=5 / (2 * module.weight.numel()) ** 0.5)


def test_every_parameter_has_one_group() -> None:
    model = build(SETTINGS, 7)
    optimizer = sgd(model, SETTINGS)
    set_rate(optimizer, 0.5)
    held = [p for group in optimizer.param_groups for p in group["params"]]
    assert len(held) == len(set(held)) == len(list(model.parameters()))
    assert [(g["lr"], g["weight_decay"]) for g in optimizer.param_groups] == [(0.5, 0.05), (24.5, 0.05 / 49)]


def test_at_224_pixels_nothing_is_special() -> None:
    settings = vgg(input_size=224)
    optimizer = sgd(build(settings, 7), settings)
    assert [(g["lr"], g["weight_decay"]) for g in optimizer.param_groups] == [(settings.lr, settings.weight_decay)]
