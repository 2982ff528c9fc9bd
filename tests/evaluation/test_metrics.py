"""Scores against their definitions."""

import numpy as np
import pytest

from ferlab.data.labels import FER_CLASSES
from ferlab.evaluation.metrics import calibration_error, confusion, recalls, scores
from ferlab.evaluation.predictions import Predictions


def predictions(n: int = 200, seed: int = 0, classes: int = 7) -> Predictions:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(7), n)
    truth = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
    return Predictions(tuple(map(str, range(n))), truth, probabilities, "run")


def test_against_the_definitions() -> None:
    said = predictions()
    chosen, truth = said.probabilities.argmax(axis=1), said.truth
    table = np.array([[np.sum((truth == i) & (chosen == j)) for j in range(7)] for i in range(7)])
    hits, true, claimed = table.diagonal(), table.sum(axis=1), table.sum(axis=0)
    found = scores(said)
    np.testing.assert_array_equal(confusion(said), table)
    np.testing.assert_array_equal(said.correct, chosen == truth)
    assert found["accuracy"] == pytest.approx(hits.sum() / 200)
    assert found["balanced_accuracy"] == pytest.approx((hits / true).mean())
    assert found["macro_f1"] == pytest.approx((2 * hits / (true + claimed)).mean())
    assert found["log_loss"] == pytest.approx(-np.log(said.probabilities[np.arange(200), truth]).mean())


def test_a_perfect_and_a_knowing_nothing_run() -> None:
    truth = np.arange(7).repeat(3)
    perfect = Predictions(tuple(map(str, range(21))), truth, np.eye(7)[truth], "run")
    wanted = {"accuracy": 1.0, "macro_f1": 1.0, "balanced_accuracy": 1.0, "log_loss": 0.0, "calibration_error": 0.0}
    assert scores(perfect) == pytest.approx(wanted, abs=1e-12)
    nothing = Predictions(perfect.ids, truth, np.full((21, 7), 1 / 7), "run")
    assert scores(nothing)["log_loss"] == pytest.approx(np.log(7))
    assert scores(nothing)["balanced_accuracy"] == pytest.approx(1 / 7)


def test_the_majority_class() -> None:
    """Always happy is right for 879 of FER-2013's 3589 (24.5%); macro F1 is one class's F1 over seven."""
    counts = (491, 55, 528, 879, 594, 416, 626)
    truth = np.repeat(np.arange(7), counts)
    happy = np.full((3589, 7), 0.1)
    happy[:, FER_CLASSES.index("happy")] = 0.4
    found = scores(Predictions(tuple(map(str, range(3589))), truth, happy, "run"))
    assert found["accuracy"] == 879 / 3589
    assert round(100 * found["accuracy"], 1) == 24.5
    precision = 879 / 3589
    assert found["macro_f1"] == pytest.approx(2 * precision / (precision + 1) / 7)


def test_a_class_that_never_occurs_keeps_its_place() -> None:
    said = predictions(classes=5)
    assert confusion(said).shape == (7, 7)
    assert not confusion(said)[5:].any()


def test_recalls_are_the_confusion_matrix_diagonal_and_unknown_for_an_absent_class() -> None:
    said = predictions(classes=5)
    table = confusion(said)
    found = recalls(said)
    np.testing.assert_allclose(found[:5], (table.diagonal() / table.sum(axis=1).clip(1))[:5])
    assert np.isnan(found[5:]).all()


def test_calibration_error_by_hand() -> None:
    """Ten answers at 0.9 of which 6 are right, ten at 0.55 of which 7 are: (10 * 0.3 + 10 * 0.15) / 20."""
    probabilities = np.zeros((20, 7))
    probabilities[:10, 0], probabilities[:10, 1] = 0.9, 0.1
    probabilities[10:, 0], probabilities[10:, 1] = 0.55, 0.45
    truth = np.array([0] * 6 + [1] * 4 + [0] * 7 + [1] * 3)
    said = Predictions(tuple(map(str, range(20))), truth, probabilities, "run")
    assert calibration_error(said) == pytest.approx(0.225)


def test_one_who_means_what_it_says_is_calibrated() -> None:
    """Truth drawn from the stated probabilities: the error is what 20,000 draws leave of noise."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(7), 20_000)
    truth = (probabilities.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    said = Predictions(tuple(map(str, range(20_000))), truth, probabilities, "run")
    assert calibration_error(said) < 0.015
    sure = np.eye(7)[said.chosen]
    assert calibration_error(Predictions(said.ids, truth, sure, "run")) == pytest.approx(1 - said.correct.mean())
