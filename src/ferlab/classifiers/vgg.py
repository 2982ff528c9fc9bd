"""VGG-13, VGG-16 and VGG-19 for small faces, with a head that doesn't pay for its 49 copies.

Written out for the reason that `resnet.py` gives; the modules' names and numbers are torchvision's.
"""

from torch import Tensor, nn

from ferlab.classifiers.dropout import Dropout
from ferlab.data.colour import GREY
from ferlab.params import VggClassifier

CHANNELS = (64, 128, 256, 512, 512)  # of the five groups of convolutions: Simonyan & Zisserman 2015, table 1
DEPTHS = {"vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}  # convolutions a group
POSITIONS = 7 * 7  # of torchvision's average pool in front of its head
STD = 0.01  # of torchvision's first weights of linear layers
SMALLEST = 32  # an input of this side has a last map of 1x1


class Vgg(nn.Module):
    """torchvision's VGG with scalable channels, for grey images (`channels` 1) or RGB (3).

    At 224 px it is torchvision's own network, but that a grey one's first convolution has a single channel. At 48 px
    its last map is 1x1, and torchvision's average pool would repeat it 49 times in front of a layer of 25088 inputs:
    that layer, summed over the 49 positions, is the same function of 512 inputs. Under SGD it also *learns* the same,
    if its weights get 49 times the learning rate and 1/49 of the weight decay (`optimise.sgd`) and start from
    N(0, 7 · 0.01), the sum of 49 draws of N(0, 0.01).

    Called with float32 (N, channels, side, side) it returns logits (N, classes). `positions` is 49 where the first
    layer of the head stands for that many, and 1 otherwise.
    """

    def __init__(self, settings: VggClassifier, classes: int, channels: int = GREY) -> None:
        super().__init__()
        layers = list[nn.Module]()
        wide = channels
        hidden = round(4096 * settings.width)
        for published, depth in zip(CHANNELS, DEPTHS[settings.network], strict=True):
            for _ in range(depth):
                inner, wide = wide, round(published * settings.width)
                layers.append(nn.Conv2d(inner, wide, 3, padding=1))
                if settings.batch_norm:
                    layers.append(nn.BatchNorm2d(wide))
                layers.append(nn.ReLU(inplace=True))
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        one_position = settings.input_size // SMALLEST == 1
        self.positions = POSITIONS if one_position else 1
        self.avgpool = nn.Identity() if one_position else nn.AdaptiveAvgPool2d((7, 7))
        first_layer = nn.Linear(wide if one_position else wide * POSITIONS, hidden)
        self.classifier = nn.Sequential(
            first_layer,
            nn.ReLU(inplace=True),
            Dropout(settings.dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            Dropout(settings.dropout),
            nn.Linear(hidden, classes),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015, as torchvision draws it
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, STD)
                nn.init.zeros_(module.bias)
        nn.init.normal_(first_layer.weight, 0, STD * self.positions**0.5)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.avgpool(self.features(images)).flatten(1))
        return logits
