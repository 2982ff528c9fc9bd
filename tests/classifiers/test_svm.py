"""The plain SVMs against scikit-learn's own pipelines, and their features against scikit-image's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from skimage.feature import hog, local_binary_pattern
from sklearn.decomposition import PCA
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from ferlab.classifiers.base import Fit, TrainingPlan
from ferlab.classifiers.features import extract
from ferlab.classifiers.svm import Svm
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.params import HogFeatures, LbpFeatures
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from small import barred, noise, svm

TRAIN, VALID = barred(6), barred(4, seed=1, split="valid")


def fitted(folder: Path, train: ImageSet = TRAIN, seed: int = 0, **settings: Any) -> tuple[Svm, Fit]:
    classifier = Svm(svm(**settings))
    return classifier, classifier.fit(
        train, VALID, TrainingPlan(seed, "cpu"), observe=ignore, checkpoints=Checkpoints(folder, 1e9)
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
    """Neither hidden nor only a warning (which would be an error here)."""
    _, fit = fitted(tmp_path, C=1.0, max_iterations=iterations)
    assert fit.notes["converged"] is converged
    assert 1 <= fit.notes["iterations"] <= iterations


def test_large_decision_values_do_not_overflow(tmp_path: Path) -> None:
    classifier, _ = fitted(tmp_path)
    classifier.arrays["weights"] *= 1e6
    found = classifier.predict_proba(noise(5))
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_one_row_of_history(tmp_path: Path) -> None:
    _, fit = fitted(tmp_path)
    assert fit.history == [{"epoch": 1, "valid_accuracy": fit.valid_accuracy}]
    assert fit.selected_epoch == 1


HOG = {"kind": "hog", "orientations": 9, "cell": 8, "block": 2}
LBP = {"kind": "lbp", "radius": 1, "grid": 8}


def test_principal_components_against_scikit_learn(tmp_path: Path) -> None:
    features = {"kind": "pixels", "components": 5}
    classifier, fit = fitted(tmp_path, features=features, tolerance=1e-9, max_iterations=100_000)
    reference = make_pipeline(PCA(5), StandardScaler(), LinearSVC(C=1e-3, tol=1e-9, max_iter=100_000, dual=False))
    reference.fit(TRAIN.images.reshape(len(TRAIN), -1) / 255, TRAIN.labels)
    values = reference.decision_function(VALID.images.reshape(len(VALID), -1) / 255)
    np.testing.assert_allclose(classifier.predict_proba(VALID.images), softmax(values, axis=1), rtol=1e-4)
    assert fit.notes["features"] == 5


def test_more_components_than_there_are(tmp_path: Path) -> None:
    _, fit = fitted(tmp_path, features={"kind": "pixels", "components": 1000})
    assert fit.notes["features"] == len(TRAIN)


def test_hog_is_scikit_images() -> None:
    """5x5 blocks of 2x2 cells with 9 orientations: 900 numbers."""
    found = extract(VALID.images, HogFeatures.model_validate(HOG))
    assert found.shape == (len(VALID), 5 * 5 * 2 * 2 * 9)
    np.testing.assert_array_equal(found[3], hog(VALID.images[3], 9, (8, 8), (2, 2)))


def test_lbp_is_a_histogram_a_cell() -> None:
    """Cell (2, 5) of an 8x8 grid, counted apart."""
    found = extract(noise(4), LbpFeatures.model_validate(LBP)).reshape(4, 8, 8, 59)
    codes = local_binary_pattern(noise(4)[1], 8, 1, "nri_uniform")[12:18, 30:36]
    expected = np.histogram(codes, bins=np.arange(60))[0] / 36
    np.testing.assert_array_equal(found[1, 2, 5], expected)
    np.testing.assert_allclose(found.sum(axis=3), 1)


@pytest.mark.parametrize("features", [HOG, LBP])
def test_features_made_by_hand_tell_the_classes_apart(features: dict[str, Any], tmp_path: Path) -> None:
    _, fit = fitted(tmp_path, features=features)
    assert fit.valid_accuracy > 0.6
    assert fit.notes["converged"]


def test_a_kernel_against_scikit_learn(tmp_path: Path) -> None:
    classifier, fit = fitted(tmp_path, kernel="rbf", C=10.0, tolerance=1e-9, max_iterations=100_000)
    reference = make_pipeline(StandardScaler(), OneVsRestClassifier(SVC(C=10.0, tol=1e-9)))
    reference.fit(TRAIN.images.reshape(len(TRAIN), -1) / 255, TRAIN.labels)
    values = reference.decision_function(VALID.images.reshape(len(VALID), -1) / 255)
    np.testing.assert_allclose(classifier.predict_proba(VALID.images), softmax(values, axis=1), rtol=1e-5)
    again = Svm(classifier.settings)
    (tmp_path / "saved").mkdir()
    classifier.save(tmp_path / "saved")
    found = again.load(tmp_path / "saved").predict_proba(VALID.images)
    np.testing.assert_array_equal(found, classifier.predict_proba(VALID.images))
    assert fit.notes["converged"]


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_numbers_lie_in_memory_as_a_file_holds_them(kernel: str, tmp_path: Path) -> None:
    """In another order some processors round a product otherwise: the machine then differed from itself, loaded."""
    arrays = fitted(tmp_path, kernel=kernel, features={"kind": "pixels", "components": 5})[0].arrays
    assert {name: array.flags.c_contiguous for name, array in arrays.items()} == dict.fromkeys(arrays, True)


def test_a_kernel_on_too_many_images_proposes_the_linear_one(tmp_path: Path) -> None:
    """It may never end. Refused before it starts."""
    with pytest.raises(UserError, match=r"on 42 images may never end.*the limit is 41") as caught:
        fitted(tmp_path, kernel="rbf", kernel_limit=41)
    assert "set kernel to linear" in str(caught.value)


def test_a_kernel_that_does_not_converge_says_so(tmp_path: Path) -> None:
    """Neither hidden nor only a warning."""
    _, fit = fitted(tmp_path, kernel="rbf", C=10.0, max_iterations=1)
    assert fit.notes["converged"] is False


def test_the_state_of_other_features_is_refused(tmp_path: Path) -> None:
    """Their numbers would be taken for others."""
    classifier, _ = fitted(tmp_path, features=HOG)
    classifier.save(tmp_path)
    with pytest.raises(UserError, match="other features"):
        Svm(svm(features=LBP)).load(tmp_path)
