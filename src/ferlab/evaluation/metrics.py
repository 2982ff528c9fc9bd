"""Scores of one run."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score, log_loss

from ferlab.data.labels import FER_CLASSES
from ferlab.evaluation.predictions import Predictions

ALL = np.arange(len(FER_CLASSES))


def scores(predictions: Predictions) -> dict[str, float]:
    """Accuracy, macro F1, balanced accuracy (each 0-1) and log loss (nats)."""
    truth, chosen = predictions.truth, predictions.chosen
    return {
        "accuracy": float(predictions.correct.mean()),
        "macro_f1": float(f1_score(truth, chosen, labels=ALL, average="macro", zero_division=0)),
        "balanced_accuracy": float(balanced_accuracy_score(truth, chosen)),
        "log_loss": float(log_loss(truth, predictions.probabilities, labels=ALL)),
    }


def confusion(predictions: Predictions) -> NDArray[np.int64]:
    """int64 (7, 7): rows are true classes, columns predicted ones, in the order of FER_CLASSES."""
    matrix: NDArray[Any] = confusion_matrix(predictions.truth, predictions.chosen, labels=ALL)
    return matrix.astype(np.int64)
