"""What MLflow imports to load a logged classifier again: any classifier of ferlab as its `pyfunc` flavour."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from numpy.typing import NDArray

from ferlab.classifiers.base import Classifier
from ferlab.classifiers.catalogue import faces_of, load_run
from ferlab.data.images import Faces
from ferlab.datasets.picture import PictureError
from ferlab.detection.faces import read_faces


class ServedClassifier:
    """Picture files in, one face each; out what `ferlab predict --whole --raw` says of them."""

    def __init__(self, classifier: Classifier, faces: Faces) -> None:
        self.classifier, self.faces = classifier, faces

    def predict(self, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """The column `picture` holds the bytes of a file a row; the answer has a column a class.

        Raises:
            MlflowException: a picture can't be read; its row is numbered from 0. MLflow's server answers 400.
        """
        faces = [_face(number, content, self.faces) for number, content in enumerate(model_input["picture"])]
        return pd.DataFrame(self.classifier.predict_proba(np.stack(faces)), columns=list(self.faces.classes))


def _face(number: int, content: bytes, faces: Faces) -> NDArray[np.uint8]:
    try:
        return read_faces(io.BytesIO(content), faces.side, faces.channels, whole=True).faces[0].pixels
    except PictureError as error:
        raise MlflowException.invalid_parameter_value(f"picture {number} {error}") from None


def _load_pyfunc(path: str) -> ServedClassifier:
    """MLflow calls this by name with the folder that the train stage wrote."""
    classifier, record = load_run(Path(path))
    return ServedClassifier(classifier, faces_of(record))
