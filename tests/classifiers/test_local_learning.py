"""Local learning against scikit-learn's neighbours and ridge regression; its edges."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors
from torch import nn

from ferlab.classifiers.base import Fit, TrainingPlan
from ferlab.classifiers.blockwise import predict_blockwise
from ferlab.classifiers.cnn import Cnn
from ferlab.classifiers.inference import to_input
from ferlab.classifiers.local_learning import LocalLearning, local_values
from ferlab.classifiers.penultimate import penultimate_features
from ferlab.errors import UserError
from ferlab.params import LocalLearningClassifier
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from small import NETWORK, UNCHANGED, Dying, KilledError, barred, network, noise, vgg

TRAIN, VALID = barred(6), barred(2, seed=1, split="valid")
SETTINGS: dict[str, Any] = {
    "method": "local_learning",
    "features": {"sift": {"bins": [4], "step": 6}, "words": 20, "vocabulary_images": 30, "pyramid": [1, 2]},
    "networks": {},
    "neighbours": 12,
    "C": 0.7,
}


def fitted(folder: Path, **changes: Any) -> tuple[LocalLearning, Fit]:
    classifier = LocalLearning(LocalLearningClassifier.model_validate(SETTINGS | changes))
    found = classifier.fit(TRAIN, VALID, TrainingPlan(0, "cpu"), observe=ignore, checkpoints=Checkpoints(folder, 1e9))
    return classifier, found


def reference(classifier: LocalLearning, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """With explicit features: neighbours by distance, and a ridge regression of ±1 with a feature of 1 as bias."""
    rows, others = classifier.rows.toarray(), classifier.bag.transform(images).toarray()
    found = []
    search = NearestNeighbors(n_neighbors=classifier.settings.neighbours, algorithm="brute").fit(rows)
    for row, near in zip(others, search.kneighbors(others, return_distance=False), strict=True):
        signs = np.where(TRAIN.labels[near][:, None] == np.arange(7), 1.0, -1.0)
        machine = Ridge(alpha=1 / (2 * classifier.settings.C), fit_intercept=False)
        machine.fit(np.column_stack([rows[near], np.ones(len(near))]), signs)
        found.append(machine.predict(np.append(row, 1)[None])[0])
    return softmax(found, axis=1)


def test_against_scikit_learn(tmp_path: Path) -> None:
    classifier, _ = fitted(tmp_path)
    images = np.concatenate([VALID.images, noise(5)])
    similar = np.sort(classifier.bag.transform(images).toarray() @ classifier.rows.toarray().T, axis=1)
    clear = similar[:, -12] - similar[:, -13] > 1e-6  # of a tie, each may take another
    assert clear.sum() >= 5
    np.testing.assert_allclose(classifier.predict_proba(images)[clear], reference(classifier, images)[clear], atol=1e-6)


def test_a_closed_form() -> None:
    """Two neighbours that share nothing, one of each class, C = 1/2: (I + 1 + I) a = ±1."""
    found = local_values(np.eye(2), np.array([1.0, 0.0]), np.array([0, 1]), 2, 0.5)
    np.testing.assert_allclose(found, [0.5, -0.5])


@pytest.mark.parametrize("labels", [[0, 0, 0], [2, 2, 1]])
def test_a_class_without_neighbours_is_the_least_likely(labels: list[int]) -> None:
    gram = np.array([[1, 0.5, 0.2], [0.5, 1, 0.3], [0.2, 0.3, 1]])
    found = local_values(gram, np.array([0.9, 0.6, 0.1]), np.array(labels), 7, 1.0)
    absent = sorted(set(range(7)) - set(labels))
    assert found.argmax() == labels[0]
    np.testing.assert_allclose(found[absent], found[absent][0])
    assert found[absent].max() < min(found[label] for label in labels)
    assert found[absent].max() < 0


def test_equal_neighbours_do_no_harm() -> None:
    found = local_values(np.ones((4, 4)), np.ones(4), np.array([0, 0, 0, 1]), 2, 1e6)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, [0.5, -0.5], atol=1e-4)


@pytest.mark.parametrize(("neighbours", "fits"), [(42, True), (43, False)])
def test_more_neighbours_than_images(tmp_path: Path, neighbours: int, fits: bool) -> None:
    if fits:
        assert fitted(tmp_path, neighbours=neighbours)[1].valid_accuracy > 0
        return
    with pytest.raises(UserError, match="43 neighbours among 42"):
        fitted(tmp_path, neighbours=neighbours)


def test_a_blank_image_gets_the_shares_of_the_classes(tmp_path: Path) -> None:
    classifier, _ = fitted(tmp_path)
    np.testing.assert_allclose(classifier.predict_proba(np.full((2, 48, 48), 77, np.uint8)), 1 / 7)


def test_blank_training_images_are_nobody_s_neighbours(tmp_path: Path) -> None:
    classifier, _ = fitted(tmp_path)
    similar = classifier.bag.transform(noise(3)) @ classifier.rows.T
    assert similar.toarray().any(axis=1).all()
    classifier._remember(np.full_like(classifier.words, 65535), TRAIN.labels, classifier.deep)
    np.testing.assert_allclose(classifier.predict_proba(noise(3)), 1 / 7)


@pytest.mark.parametrize("settings", [network(), vgg(batch_norm=True)], ids=["resnet50", "vgg16"])
def test_penultimate_features_of_length_1(settings: Any) -> None:
    """What the last layer makes of them, scaled back, is the network's own answer."""
    cnn, images = Cnn(settings), noise(3)
    found = penultimate_features(cnn, images)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    last = [module for module in cnn.model.modules() if isinstance(module, nn.Linear)][-1]
    with torch.inference_mode():
        logits = cnn.model(to_input(torch.from_numpy(images), 48)).numpy()
    parts = found @ last.weight.detach().numpy().T  # logits without bias, of each image up to a factor
    whole = logits - last.bias.detach().numpy()
    np.testing.assert_allclose(
        parts / np.linalg.norm(parts, axis=1, keepdims=True),
        whole / np.linalg.norm(whole, axis=1, keepdims=True),
        atol=1e-4,
    )
    assert penultimate_features(cnn, images[:0]).shape == (0, found.shape[1])


def test_networks_are_those_that_train_alone(tmp_path: Path) -> None:
    """Bit for bit: an arm of the same settings and seed has the same weights, and its epochs stand in the history."""
    settings = NETWORK | {"epochs": 2, "augmentation": UNCHANGED}
    classifier, fit = fitted(tmp_path / "joined", networks={"resnet50": settings})
    alone = Cnn(network(**settings))
    expected = alone.fit(
        TRAIN, VALID, TrainingPlan(0, "cpu"), observe=ignore, checkpoints=Checkpoints(tmp_path / "alone", 1e9)
    )
    for name, tensor in alone.model.state_dict().items():
        assert torch.equal(classifier.networks["resnet50"].model.state_dict()[name], tensor), name
    assert [row["valid_accuracy"] for row in fit.history[:-1]] == [row["valid_accuracy"] for row in expected.history]
    assert fit.selected_epoch == len(fit.history) == 3
    similar = classifier._similarities(classifier.rows[:3], classifier.deep[:3])
    np.testing.assert_allclose(np.diag(similar), 1, rtol=1e-5)  # each kind of features counts for a half
    (tmp_path / "kept").mkdir()
    classifier.save(tmp_path / "kept")
    other = SETTINGS | {"networks": {"resnet50": settings | {"width": 0.125}}}
    with pytest.raises(UserError, match="other networks"):
        LocalLearning(LocalLearningClassifier.model_validate(other)).load(tmp_path / "kept")


class Counting:
    """Judges an image by its first pixel, and counts the images that it was shown."""

    def __init__(self) -> None:
        self.seen = 0

    def predict_proba(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        self.seen += len(images)
        return np.tile(images[:, 0, :1] / 255.0, 7)


@pytest.mark.parametrize("n", [0, 1, 128, 300])
def test_blockwise_is_the_same(n: int, tmp_path: Path) -> None:
    images = noise(n)
    found = predict_blockwise(Counting(), images, Checkpoints(tmp_path, 0))
    np.testing.assert_array_equal(found, Counting().predict_proba(images).reshape(n, 7))


def test_blockwise_goes_on_where_it_was(tmp_path: Path) -> None:
    images, counting = noise(300), Counting()
    with pytest.raises(KilledError):
        predict_blockwise(counting, images, Dying(tmp_path, 2))
    assert counting.seen == 256
    found = predict_blockwise(counting, images, Checkpoints(tmp_path, 0))
    assert counting.seen == 300
    np.testing.assert_array_equal(found, Counting().predict_proba(images))
