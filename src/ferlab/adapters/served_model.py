"""What MLflow imports to load a logged classifier again: any classifier of ferlab as its `pyfunc` flavour."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferlab.classifiers.base import Classifier
from ferlab.classifiers.catalogue import load_run


class ServedClassifier:
    """uint8 (N, 48, 48) in, float64 (N, 7) probabilities out."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    def predict(self, model_input: Any, params: Any = None) -> NDArray[np.float64]:
        return self.classifier.predict_proba(np.asarray(model_input).astype(np.uint8))


def _load_pyfunc(path: str) -> ServedClassifier:
    """MLflow calls this by name with the folder that the train stage wrote."""
    classifier, _ = load_run(Path(path))
    return ServedClassifier(classifier)
