"""The table of classifiers: from a row of params.yaml to something that satisfies the protocol."""

from importlib import import_module
from typing import Any

from pydantic import TypeAdapter

from ferlab.classifiers.base import Classifier
from ferlab.files import canonical_json
from ferlab.params import Classifier as Settings
from ferlab.params import DfsvmClassifier, NetworkClassifier, SvmClassifier

METHODS = {"network": ("cnn", "Cnn"), "svm": ("svm", "Svm"), "dfsvm": ("dfsvm", "Dfsvm")}
"""Module and class by method; each is imported when it is used, because scikit-learn alone costs two seconds."""


def create(settings: NetworkClassifier | SvmClassifier | DfsvmClassifier) -> Classifier:
    """An untrained classifier with these settings."""
    module, name = METHODS[settings.method]
    classifier: Classifier = getattr(import_module(f"ferlab.classifiers.{module}"), name)(settings)
    return classifier


def recreate(settings: Any) -> Classifier:
    """An untrained classifier from plain settings, as a run's record holds them."""
    adapter: TypeAdapter[NetworkClassifier | SvmClassifier | DfsvmClassifier] = TypeAdapter(Settings)
    return create(adapter.validate_json(canonical_json(settings), strict=True))
