"""The table of convolutional networks: from settings to a network."""

from torch import nn

from ferlab.classifiers.resnet import Resnet
from ferlab.classifiers.vgg import Vgg
from ferlab.params import NetworkClassifier, ResnetClassifier, VggClassifier


def build(settings: NetworkClassifier, classes: int) -> nn.Module:
    """A network with fresh weights, drawn from torch's global generator."""
    if isinstance(settings, VggClassifier):
        return Vgg(settings, classes)
    assert isinstance(settings, ResnetClassifier)
    return Resnet(settings, classes)
