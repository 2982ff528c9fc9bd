"""The table of classifiers: from a row of params.yaml to something that satisfies the protocol."""

from ferlab.classifiers.base import Classifier
from ferlab.classifiers.network import Network
from ferlab.classifiers.svm import PixelSvm
from ferlab.params import NetworkClassifier, SvmClassifier

METHODS = {"network": Network, "pixel_svm": PixelSvm}


def create(settings: NetworkClassifier | SvmClassifier) -> Classifier:
    """An untrained classifier with these settings."""
    classifier: Classifier = METHODS[settings.method](settings)
    return classifier
