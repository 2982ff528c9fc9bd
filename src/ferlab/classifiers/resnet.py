"""ResNet-18 and ResNet-50 (He et al. 2016) for small faces.

Written out rather than taken from torchvision, whose import alone costs each stage some four seconds; modules have
torchvision's names and numbers, and tests hold the two equal, weights, outputs and first draws.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from ferlab.data.colour import GREY
from ferlab.params import ResnetClassifier

DEPTHS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}  # residual blocks a group: He et al. 2016, table 1


NARROW = 8  # channels, as many as an AVX2 register holds


class Shortcut(nn.Conv2d):
    """A 1x1 convolution with a stride.

    Of fewer than eight channels it takes the places itself: the AVX2 kernel of oneDNN (as of torch 2.14.1) that would,
    on the way back, writes beyond its buffer.
    """

    def forward(self, maps: Tensor) -> Tensor:
        if self.in_channels >= NARROW:
            return super().forward(maps)
        down, across = self.stride
        return F.conv2d(maps[:, :, ::down, ::across], self.weight)


class Block(nn.Module):
    """Convolutions with batch norm, added to their input; the last norm of the branch is `bn<number>`.

    Args:
        sizes: channels from the input on, one more than there are convolutions.
        kernels: of the convolutions; the first of 3x3 has the stride.
    """

    def __init__(self, sizes: tuple[int, ...], kernels: tuple[int, ...], stride: int) -> None:
        super().__init__()
        self.depth, strided = len(kernels), kernels.index(3)
        for i, ((inner, outer), kernel) in enumerate(zip(pairwise(sizes), kernels, strict=True)):
            step = stride if i == strided else 1
            convolution = nn.Conv2d(inner, outer, kernel, step, kernel // 2, bias=False)
            self.add_module(f"conv{i + 1}", convolution)
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(outer))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or sizes[0] != sizes[-1]:
            self.downsample = nn.Sequential(
                Shortcut(sizes[0], sizes[-1], 1, stride, bias=False), nn.BatchNorm2d(sizes[-1])
            )

    def forward(self, maps: Tensor) -> Tensor:
        branch = maps
        for i in range(1, self.depth + 1):
            branch = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(branch))
            if i < self.depth:
                branch = self.relu(branch)
        straight = maps if self.downsample is None else self.downsample(maps)
        added: Tensor = self.relu(branch + straight)
        return added

    def last_norm(self) -> nn.BatchNorm2d:
        norm = self.get_submodule(f"bn{self.depth}")
        assert isinstance(norm, nn.BatchNorm2d)
        return norm


class Resnet(nn.Module):
    """The published network with scalable channels, for grey or RGB images, and a choice of stems.

    With width 1 and the `imagenet` stem it is torchvision's own, but that a grey one's first convolution has a single
    channel. Called with float32 (N, channels, H, W) it returns logits (N, classes).

    Args:
        channels: of the images, 1 or 3.
        settings: `width` is the share of the published channels. `stem` is `imagenet` (7x7, stride 2, max pool: at
            48 px maps of 12x12 … 2x2), `3x3_pool` (24x24 … 3x3) or `3x3` (no pooling: 48x48 … 6x6).
            `zero_init_residual` starts each residual branch at zero (Goyal et al. 2017, section 5.1).
    """

    def __init__(self, settings: ResnetClassifier, classes: int, channels: int = GREY) -> None:
        super().__init__()
        sizes = [round(c * settings.width) for c in (64, 128, 256, 512)]
        kernel, stride = (7, 2) if settings.stem == "imagenet" else (3, 1)
        self.conv1 = nn.Conv2d(channels, sizes[0], kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(sizes[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if settings.stem == "3x3" else nn.MaxPool2d(3, 2, 1)
        width, groups = sizes[0], []
        for group, (inner, depth) in enumerate(zip(sizes, DEPTHS[settings.network], strict=True)):
            blocks = []
            for block in range(depth):
                stride = 2 if group and not block else 1
                if settings.network == "resnet18":
                    blocks.append(Block((width, inner, inner), (3, 3), stride))
                    width = inner
                else:
                    blocks.append(Block((width, inner, inner, 4 * inner), (1, 3, 1), stride))
                    width = 4 * inner
            groups.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = groups
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Block) and settings.zero_init_residual:
                nn.init.zeros_(module.last_norm().weight)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        logits: Tensor = self.fc(self.avgpool(maps).flatten(1))
        return logits
