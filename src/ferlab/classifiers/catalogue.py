"""The table of classifiers: from a row of params.yaml to something that satisfies the protocol."""

from typing import Any

from pydantic import TypeAdapter

from ferlab.classifiers.base import Classifier
from ferlab.classifiers.dfsvm import Dfsvm
from ferlab.classifiers.network import Network
from ferlab.classifiers.svm import Svm
from ferlab.files import canonical_json
from ferlab.params import Classifier as Settings
from ferlab.params import DfsvmClassifier, NetworkClassifier, SvmClassifier

METHODS = {"network": Network, "svm": Svm, "dfsvm": Dfsvm}


def create(settings: NetworkClassifier | SvmClassifier | DfsvmClassifier) -> Classifier:
    """An untrained classifier with these settings."""
    classifier: Classifier = METHODS[settings.method](settings)
    return classifier


def recreate(settings: Any) -> Classifier:
    """An untrained classifier from plain settings, as a run's record holds them."""
    adapter: TypeAdapter[NetworkClassifier | SvmClassifier | DfsvmClassifier] = TypeAdapter(Settings)
    return create(adapter.validate_json(canonical_json(settings), strict=True))
