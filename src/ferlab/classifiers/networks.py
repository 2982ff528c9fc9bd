"""Convolutional networks adapted to 48x48 grey faces."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet

from ferlab.params import NetworkClassifier

RESNET50_BLOCKS = (3, 4, 6, 3)  # He et al. 2016, table 1
MEAN, STD = 0.5, 0.25  # of pixels in 0-1; near FER-2013's own 0.51 and 0.26, and the same for every arm
BATCH = 128  # images a forward pass of `probabilities`


class Resnet50(ResNet):  # type: ignore[misc]
    """torchvision's ResNet-50 with scalable channels, one input channel and a choice of stems.

    With width 1 and the `imagenet` stem it is torchvision's own network but for the first convolution's single channel.
    Called with float32 (N, 1, 48, 48) it returns logits (N, classes).

    Args:
        width: share of the published channels.
        stem: `imagenet` (7x7, stride 2, max pool: maps of 12x12 … 2x2), `3x3_pool` (24x24 … 3x3),
            `3x3` (no pooling: 48x48 … 6x6).
        zero_init_residual: start each residual branch at zero (Goyal et al. 2017, section 5.1), torchvision's option.
    """

    def __init__(self, width: float, stem: str, zero_init_residual: bool, classes: int) -> None:
        nn.Module.__init__(self)  # not ResNet's: its channels are fixed
        channels = [round(c * width) for c in (64, 128, 256, 512)]
        self._norm_layer = nn.BatchNorm2d
        self.inplanes, self.dilation, self.groups, self.base_width = channels[0], 1, 1, 64
        if stem == "imagenet":
            self.conv1 = nn.Conv2d(1, self.inplanes, 7, 2, 3, bias=False)
        else:
            self.conv1 = nn.Conv2d(1, self.inplanes, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if stem == "3x3" else nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._make_layer(Bottleneck, channels[0], RESNET50_BLOCKS[0])
        self.layer2 = self._make_layer(Bottleneck, channels[1], RESNET50_BLOCKS[1], stride=2)
        self.layer3 = self._make_layer(Bottleneck, channels[2], RESNET50_BLOCKS[2], stride=2)
        self.layer4 = self._make_layer(Bottleneck, channels[3], RESNET50_BLOCKS[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels[3] * Bottleneck.expansion, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015, as torchvision draws it
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Bottleneck) and zero_init_residual:
                nn.init.zeros_(module.bn3.weight)


NETWORKS = {
    "resnet50": lambda settings, classes: Resnet50(settings.width, settings.stem, settings.zero_init_residual, classes)
}


def build(settings: NetworkClassifier, classes: int) -> nn.Module:
    """A network with fresh weights, drawn from torch's global generator."""
    return NETWORKS[settings.network](settings, classes)


def to_input(images: Tensor) -> Tensor:
    """uint8 (N, 48, 48) in 0-255 to float32 (N, 1, 48, 48), centred and scaled."""
    return (images.unsqueeze(1).float() / 255 - MEAN) / STD


def probabilities(model: nn.Module, images: Tensor) -> NDArray[np.float64]:
    """Class probabilities of uint8 (N, 48, 48) images: float64 (N, classes), rows summing to 1."""
    device = next(model.parameters()).device
    model.eval()
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            logits = model(to_input(images[start : start + BATCH].to(device)))
            rows.append(logits.double().softmax(dim=1).cpu().numpy())
    return np.concatenate(rows)
