"""The linear SVM on pixels against scikit-learn's own pipeline."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ferlab.classifiers.base import Fit, Plan
from ferlab.classifiers.svm import PixelSvm
from ferlab.data.images import ImageSet
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from small import barred, noise, svm

TRAIN, VALID = barred(6), barred(4, seed=1, split="valid")


def fitted(folder: Path, train: ImageSet = TRAIN, seed: int = 0, **settings: float) -> tuple[PixelSvm, Fit]:
    classifier = PixelSvm(svm(**settings))
    return classifier, classifier.fit(
        train, VALID, Plan(seed, "cpu"), observe=ignore, checkpoints=Checkpoints(folder, 1e9)
    )


def test_against_scikit_learn(tmp_path: Path) -> None:
    """Solved tightly, so that the solver's own random order doesn't matter."""
    classifier, fit = fitted(tmp_path, tolerance=1e-9, max_iterations=100_000)
    reference = make_pipeline(StandardScaler(), LinearSVC(C=1e-3, tol=1e-9, max_iter=100_000))
    reference.fit(TRAIN.images.reshape(len(TRAIN), -1) / 255, TRAIN.labels)
    rows = VALID.images.reshape(len(VALID), -1) / 255
    found = classifier.predict_proba(VALID.images)
    np.testing.assert_allclose(found, softmax(reference.decision_function(rows), axis=1), rtol=1e-4)
    np.testing.assert_array_equal(found.argmax(axis=1), reference.predict(rows))
    assert fit.valid_accuracy == reference.score(rows, VALID.labels)
    assert fit.notes["converged"]


def test_a_pixel_that_never_changes_does_no_harm(tmp_path: Path) -> None:
    images = TRAIN.images.copy()
    images[:, 40:] = 0
    train = ImageSet(images, TRAIN.labels, TRAIN.classes, TRAIN.ids, TRAIN.subjects, TRAIN.origins, TRAIN.split)
    classifier, _ = fitted(tmp_path, train)
    assert np.isfinite(classifier.predict_proba(noise(5))).all()


@pytest.mark.parametrize(("iterations", "converged"), [(1, False), (2000, True)])
def test_convergence_is_recorded(tmp_path: Path, iterations: int, converged: bool) -> None:
    """CASE 29: neither hidden nor only a warning (which would be an error here)."""
    _, fit = fitted(tmp_path, C=1.0, max_iterations=iterations)
    assert fit.notes["converged"] is converged
    assert 1 <= fit.notes["iterations"] <= iterations


def test_large_decision_values_do_not_overflow(tmp_path: Path) -> None:
    classifier, _ = fitted(tmp_path)
    classifier.weights = classifier.weights * 1e6
    found = classifier.predict_proba(noise(5))
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_one_row_of_history(tmp_path: Path) -> None:
    _, fit = fitted(tmp_path)
    assert fit.history == [{"epoch": 1, "valid_accuracy": fit.valid_accuracy}]
    assert fit.selected_epoch == 1
