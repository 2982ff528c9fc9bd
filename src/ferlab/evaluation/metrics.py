"""Scores of one run. scikit-learn and SciPy are imported where they are used: not every reader scores."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferlab.evaluation.predictions import Predictions

BINS = 15  # of confidence, as Guo et al. (2017) use them


def scores(predictions: Predictions) -> dict[str, float]:
    """Accuracy, macro F1, balanced accuracy (each 0-1), log loss (nats) and expected calibration error (0-1).

    Where people voted on the images, `vote_scores` too.
    """
    from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss

    truth = predictions.truth
    chosen = predictions.chosen
    labels = _labels(predictions)
    return {
        "accuracy": float(predictions.correct.mean()),
        "macro_f1": float(f1_score(truth, chosen, labels=labels, average="macro", zero_division=0)),
        "balanced_accuracy": float(balanced_accuracy_score(truth, chosen)),
        "log_loss": float(log_loss(truth, predictions.probabilities, labels=labels)),
        "calibration_error": calibration_error(predictions),
        **(vote_scores(predictions) if predictions.votes is not None else {}),
    }


def vote_scores(predictions: Predictions) -> dict[str, float]:
    """How far a run says what people saw, of images on which they voted.

    Returns:
        `expected_accuracy` (0-1): the share of votes that the chosen class got, on average: how often somebody who is
        drawn from those who voted would agree. `vote_cross_entropy` (nats): of the probabilities against the shares of
        votes; where all votes are for the label, it is the log loss.
    """
    assert predictions.votes is not None, "nobody voted on these images"
    least = np.finfo(np.float64).eps  # as scikit-learn's log loss
    logarithms = np.log(np.clip(predictions.probabilities, least, 1))
    votes = predictions.votes.astype(np.float64)
    return {
        "expected_accuracy": float(agreement(predictions).mean()),
        "vote_cross_entropy": float(-(votes * logarithms).sum(axis=1).mean()),
    }


def agreement(predictions: Predictions) -> NDArray[np.float64]:
    """float64 (N,), 0-1: the share of votes that the chosen class of each image got."""
    assert predictions.votes is not None, "nobody voted on these images"
    return predictions.votes[np.arange(len(predictions.ids)), predictions.chosen].astype(np.float64)


def vote_limits(votes: NDArray[np.float32]) -> dict[str, float]:
    """The best that `vote_scores` can be: the mean share of the class with most votes, and the votes' mean entropy."""
    from scipy.special import entr

    shares = votes.astype(np.float64)
    return {
        "expected_accuracy": float(shares.max(axis=1).mean()),
        "vote_cross_entropy": float(entr(shares).sum(axis=1).mean()),
    }


def calibration_error(predictions: Predictions) -> float:
    """Expected calibration error (0-1): how far confidence is from accuracy, on average (Guo et al. 2017, eq. 3).

    Images are put into 15 equal bins of the chosen class's probability; each bin counts by its number of images.
    """
    from scipy.stats import binned_statistic

    confidence = predictions.probabilities.max(axis=1)
    gap = binned_statistic(confidence, confidence - predictions.correct, "sum", bins=BINS, range=(0, 1)).statistic
    return float(np.abs(gap).sum() / len(confidence))


def recalls(predictions: Predictions) -> NDArray[np.float64]:
    """float64 (C,): the share of each true class that is recognised, 0-1; NaN for a class that doesn't occur."""
    from sklearn.metrics import recall_score

    recall: NDArray[Any] = recall_score(
        predictions.truth, predictions.chosen, labels=_labels(predictions), average=None, zero_division=np.nan
    )
    return recall.astype(np.float64)


def confusion(predictions: Predictions) -> NDArray[np.int64]:
    """int64 (C, C): rows are true classes, columns predicted ones, in the order of the predictions' classes."""
    from sklearn.metrics import confusion_matrix

    matrix: NDArray[Any] = confusion_matrix(predictions.truth, predictions.chosen, labels=_labels(predictions))
    return matrix.astype(np.int64)


def _labels(predictions: Predictions) -> NDArray[np.int64]:
    return np.arange(len(predictions.classes))
