"""The table of convolutional networks: from settings to a network."""

from torch import nn

from ferlab.classifiers.resnet import Resnet
from ferlab.classifiers.transformer import SpatialTransformer
from ferlab.classifiers.vgg import Vgg
from ferlab.data.colour import GREY
from ferlab.params import NetworkClassifier, ResnetClassifier, TransformerClassifier, VggClassifier


def build(settings: NetworkClassifier, classes: int, channels: int = GREY) -> nn.Module:
    """A network with fresh weights, drawn from torch's global generator, for images of so many channels."""
    if isinstance(settings, VggClassifier):
        return Vgg(settings, classes, channels)
    assert isinstance(settings, ResnetClassifier)
    network = Resnet(settings, classes, channels)
    return SpatialTransformer(settings, network, channels) if isinstance(settings, TransformerClassifier) else network
