"""The code that MLflow stores beside a logged classifier and runs to load it again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from ferlab.classifiers.catalogue import create
from ferlab.params import parse_classifier


class ServedClassifier(PythonModel):
    """Any classifier of ferlab: uint8 (N, 48, 48) in, float64 (N, 7) probabilities out."""

    def load_context(self, context: Any) -> None:
        folder = Path(context.artifacts["run"])
        settings = json.loads((folder / "run.json").read_text())["settings"]
        self.classifier = create(parse_classifier(settings)).load(folder)

    # no type hints here: MLflow takes them for a schema and complains
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        return self.classifier.predict_proba(np.asarray(model_input).astype(np.uint8))


set_model(ServedClassifier())
