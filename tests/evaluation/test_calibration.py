"""Temperature scaling: closed forms, scikit-learn's, and what it must never change."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from ferlab.evaluation.calibration import Calibration, scaled, temperature
from ferlab.evaluation.metrics import calibration_error
from ferlab.evaluation.predictions import Predictions, read
from small import REPOSITORY


def predictions(probabilities: np.ndarray, truth: np.ndarray) -> Predictions:
    classes = tuple("abcdefg"[: probabilities.shape[1]])
    ids = tuple(str(i) for i in range(len(truth)))
    return Predictions(ids, truth.astype(np.int64), probabilities, "run", classes, "valid")


def drawn(true_temperature: float, n: int = 4000) -> Predictions:
    """Made probabilities that are right once they are scaled by a temperature, and classes drawn from those."""
    rng = np.random.default_rng(1)
    right = softmax(2 * rng.normal(size=(n, 7)), axis=1)
    truth = (rng.random((n, 1)) > right.cumsum(axis=1)).sum(axis=1)
    return predictions(scaled(right, 1 / true_temperature), truth)


def test_nine_to_one_that_is_right_three_times_of_four_is_twice_too_sure() -> None:
    """Odds of 9 must become odds of 3: ln 9 / ln 3 = 2. The error is 0.9 - 0.75."""
    truth = np.tile([0, 0, 0, 1], 200)
    found = predictions(np.tile([0.9, 0.1], (len(truth), 1)), truth)
    assert temperature(found) == pytest.approx(2, abs=1e-3)
    np.testing.assert_allclose(scaled(found.probabilities, 2)[0], [0.75, 0.25])
    calibration = Calibration.of(found)
    assert calibration is not None
    assert calibration.images == 800
    assert calibration.error_before == pytest.approx(0.15)
    assert calibration.error_after < 0.03


def test_the_error_after_is_of_images_that_the_temperature_has_not_seen() -> None:
    """Five images, one wrong. Without a right one the others are right three times of four: it is 0.75 sure, and 0.25
    off. Without the wrong one they are always right: it is quite sure, and 1 off. Fitted on all, none would be off."""
    calibration = Calibration.of(predictions(np.tile([0.9, 0.1], (5, 1)), np.array([0, 0, 1, 0, 0])))
    assert calibration is not None
    assert calibration.error_before == pytest.approx(0.9 - 0.8)
    assert calibration.error_after == pytest.approx((4 * 0.25 + 1) / 5, abs=1e-3)


@pytest.mark.parametrize("right", [0.4, 1.0, 3.0])
def test_the_temperature_of_made_data_is_found(right: float) -> None:
    found = drawn(right)
    calibration = Calibration.of(found)
    assert calibration is not None
    assert calibration.temperature == pytest.approx(right, rel=0.06)
    assert calibration.error_after < 0.03
    np.testing.assert_array_equal(scaled(found.probabilities, right).argmax(axis=1), found.chosen)


class Told(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its input."""

    def __init__(self, classes: int = 7) -> None:
        self.classes = classes
        self.classes_ = np.arange(classes)

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Told":
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        return X

    def predict(self, X: np.ndarray) -> np.ndarray:
        return X.argmax(axis=1)


@pytest.mark.parametrize("right", [0.4, 3.0])
def test_it_is_scikit_learns(right: float) -> None:
    found = drawn(right, 500)
    logarithms = np.log(found.probabilities)
    theirs = CalibratedClassifierCV(FrozenEstimator(Told()), method="temperature").fit(logarithms, found.truth)
    ours = scaled(found.probabilities, temperature(found))
    np.testing.assert_allclose(ours, theirs.predict_proba(logarithms), atol=2e-4)


@pytest.mark.parametrize("right", [True, False])
def test_a_run_that_is_always_right_or_never_is_answered(right: bool) -> None:
    """Zeros and ones too, as some methods give them."""
    truth = np.arange(35) % 7
    found = predictions(np.eye(7)[truth if right else (truth + 1) % 7], truth)
    calibration = Calibration.of(found)
    assert calibration is not None
    assert np.isfinite(scaled(found.probabilities, calibration.temperature)).all()
    assert calibration.error_before == pytest.approx(0 if right else 1)
    assert calibration.error_after < (1e-6 if right else 0.3)


def test_too_few_images_give_none() -> None:
    assert Calibration.of(drawn(1.0, 4)) is None


def test_the_guides_errors_on_test_follow_from_the_report() -> None:
    """Where nothing was fitted, the temperature of validation helps where it says so, and does no harm."""
    guide = (REPOSITORY / "docs" / "guide" / "predict.md").read_text()
    report = REPOSITORY / "reports" / "trial"
    errors = []
    for run in ("svm-0", "resnet50-0"):
        valid, test = (read(report / folder / f"{run}.parquet") for folder in ("valid", "predictions"))
        after = replace(test, probabilities=scaled(test.probabilities, temperature(valid)))
        errors.append((f"{calibration_error(test):.1%}", f"{calibration_error(after):.1%}"))
    (before, after_it), (network, still) = errors
    assert f"falls from {before} to {after_it}" in guide
    assert network == still
    assert f"{network} before and after" in guide
