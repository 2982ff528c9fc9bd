"""The table of convolutional networks: from settings to a network."""

from torch import nn

from ferlab.classifiers.resnet import Resnet
from ferlab.classifiers.transformer import SpatialTransformer
from ferlab.classifiers.vgg import Vgg
from ferlab.params import NetworkClassifier, ResnetClassifier, TransformerClassifier, VggClassifier


def build(settings: NetworkClassifier, classes: int) -> nn.Module:
    """A network with fresh weights, drawn from torch's global generator."""
    if isinstance(settings, VggClassifier):
        return Vgg(settings, classes)
    assert isinstance(settings, ResnetClassifier)
    network = Resnet(settings, classes)
    return SpatialTransformer(settings, network) if isinstance(settings, TransformerClassifier) else network
