"""ResNet-18 and ResNet-50 for small grey faces."""

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from ferlab.params import ResnetClassifier

BLOCKS = {"resnet18": (BasicBlock, (2, 2, 2, 2)), "resnet50": (Bottleneck, (3, 4, 6, 3))}  # He et al. 2016, table 1


class Resnet(ResNet):  # type: ignore[misc]
    """torchvision's ResNet with scalable channels, one input channel and a choice of stems.

    With width 1 and the `imagenet` stem it is torchvision's own network but for the first convolution's single channel.
    Called with float32 (N, 1, H, W) it returns logits (N, classes).

    Args:
        settings: `width` is the share of the published channels. `stem` is `imagenet` (7x7, stride 2, max pool: at
            48 px maps of 12x12 … 2x2), `3x3_pool` (24x24 … 3x3) or `3x3` (no pooling: 48x48 … 6x6).
            `zero_init_residual` starts each residual branch at zero (Goyal et al. 2017, section 5.1), torchvision's
            option.
    """

    def __init__(self, settings: ResnetClassifier, classes: int) -> None:
        nn.Module.__init__(self)  # not ResNet's: its channels are fixed
        block, depths = BLOCKS[settings.network]
        channels = [round(c * settings.width) for c in (64, 128, 256, 512)]
        self._norm_layer = nn.BatchNorm2d
        self.inplanes, self.dilation, self.groups, self.base_width = channels[0], 1, 1, 64
        kernel, stride, padding = (7, 2, 3) if settings.stem == "imagenet" else (3, 1, 1)
        self.conv1 = nn.Conv2d(1, self.inplanes, kernel, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if settings.stem == "3x3" else nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._make_layer(block, channels[0], depths[0])
        self.layer2 = self._make_layer(block, channels[1], depths[1], stride=2)
        self.layer3 = self._make_layer(block, channels[2], depths[2], stride=2)
        self.layer4 = self._make_layer(block, channels[3], depths[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels[3] * block.expansion, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015, as torchvision draws it
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif settings.zero_init_residual and isinstance(module, Bottleneck):
                nn.init.zeros_(module.bn3.weight)
            elif settings.zero_init_residual and isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)
