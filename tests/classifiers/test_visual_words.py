"""Visual words and presence vectors against plain loops; what a vocabulary is made of."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.bovw import Bag, Bovw
from ferlab.classifiers.sift import Grid, dense_sift
from ferlab.classifiers.visual_words import NO_WORD, VisualWords, presence
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.params import BovwClassifier
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from small import Dying, KilledError, barred, noise

GRID = Grid((4, 6), 6)
SETTINGS: dict[str, Any] = {
    "method": "bovw",
    "features": {
        "sift": {"bins": [4, 6], "step": 6},
        "words": 20,
        "vocabulary_images": 30,
        "pyramid": [1, 2],
    },
    "C": 1.0,
    "tolerance": 1e-3,
    "max_iterations": 500,
}


def settings(**changes: Any) -> BovwClassifier:
    return BovwClassifier.model_validate(SETTINGS | {"features": SETTINGS["features"] | changes})


def words(size: int = 20, images: int = 30) -> VisualWords:
    return VisualWords(GRID, size, images)


def with_images(train: ImageSet, images: np.ndarray[Any, Any]) -> ImageSet:
    return ImageSet(images, train.labels, train.classes, train.ids, train.subjects, train.origins, train.split)


def test_the_nearest_word() -> None:
    fitted, images = words().fit(noise(5)), noise(3, seed=1)
    descriptors = np.concatenate(list(dense_sift(images, GRID)))
    for found, of_image in zip(fitted.transform(images), descriptors, strict=True):
        np.testing.assert_array_equal(found, cdist(of_image, fitted.vocabulary_).argmin(axis=1))


def test_a_transformer_of_scikit_learn() -> None:
    pipeline = make_pipeline(words(), FunctionTransformer(lambda found: presence(found, GRID, 20, (1,))))
    found = clone(pipeline).fit_transform(noise(5))
    assert found.shape == (5, 20)
    assert (found != presence(words().fit(noise(5)).transform(noise(5)), GRID, 20, (1,))).nnz == 0


def test_a_vocabulary_knows_the_training_images_alone(tmp_path: Path) -> None:
    """Other validation images change nothing, and predicting changes nothing."""
    train, plan = barred(3), TrainingPlan(0, "cpu")
    vocabularies = []
    for i, valid in enumerate((barred(1, split="valid"), with_images(barred(1, split="valid"), noise(7, seed=9)))):
        classifier = Bovw(settings())
        classifier.fit(train, valid, plan, observe=ignore, checkpoints=Checkpoints(tmp_path / str(i), 1e9))
        classifier.predict_proba(noise(4, seed=i))
        vocabularies.append(classifier.bag.words.vocabulary_)
    np.testing.assert_array_equal(*vocabularies)
    expected = Bag(settings().features)
    expected.fit(train.images, 0, Checkpoints(tmp_path / "expected", 1e9))
    np.testing.assert_array_equal(vocabularies[0], expected.words.vocabulary_)
    changed = Bag(settings().features)
    changed.fit(noise(21, seed=3), 0, Checkpoints(tmp_path / "changed", 1e9))
    assert (changed.words.vocabulary_ != vocabularies[0]).any()


@pytest.mark.parametrize("pyramid", [(1,), (1, 2, 4), (3,)])
def test_presence_against_a_loop(pyramid: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    centres = GRID.centres()
    given = rng.integers(0, 5, (4, len(centres)), dtype=np.uint16)
    given[rng.random(given.shape) < 0.3] = NO_WORD
    expected = []
    for row in given:
        seen = []
        for level in pyramid:
            for down, across in product(range(level), repeat=2):
                inside = [
                    int(word)
                    for word, (y, x) in zip(row, centres, strict=True)
                    if down <= y * level / 48 < down + 1 and across <= x * level / 48 < across + 1
                ]
                seen += [float(word in inside) for word in range(5)]
        expected.append(np.array(seen) / np.linalg.norm(seen))
    found = presence(given, GRID, 5, pyramid)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6)


def test_blank_images_have_no_words_and_stand_in_no_vocabulary(tmp_path: Path) -> None:
    images = noise(21)
    images[[0, 5]] = 128
    fitted = words(images=21).fit(images)
    assert (fitted.transform(images[[0, 5]]) == NO_WORD).all()
    assert not presence(fitted.transform(images[:1]), GRID, 20, (1, 2)).nnz
    assert (np.linalg.norm(fitted.vocabulary_, axis=1) > 0.5).all()
    train = with_images(barred(3), np.where(np.arange(21)[:, None, None] < 2, np.uint8(9), barred(3).images))
    classifier = Bovw(settings())
    fit = classifier.fit(
        train, barred(1, split="valid"), TrainingPlan(0, "cpu"), observe=ignore, checkpoints=Checkpoints(tmp_path, 1e9)
    )
    assert fit.notes["blank_images"] == 2
    np.testing.assert_allclose(classifier.predict_proba(np.zeros((1, 48, 48), np.uint8)).sum(), 1)


@pytest.mark.parametrize(
    ("images", "size"), [(noise(2), 2 * len(GRID.centres()) + 1), (np.zeros((3, 48, 48), np.uint8), 2)]
)
def test_a_vocabulary_larger_than_the_descriptors(images: np.ndarray[Any, Any], size: int) -> None:
    with pytest.raises(UserError, match="as many different descriptors"):
        words(size).fit(images)


def test_equal_descriptors_count_once() -> None:
    with pytest.raises(UserError, match="as many different descriptors"):
        words(len(GRID.centres()) + 1).fit(np.repeat(noise(1), 3, axis=0))


def test_as_many_words_as_descriptors() -> None:
    n = len(GRID.centres())
    found = words(n).fit(noise(1)).transform(noise(1))
    assert len(np.unique(found)) > n // 2


@pytest.mark.parametrize(("iterations", "converged"), [(1, False), (500, True)])
def test_convergence_is_recorded(tmp_path: Path, iterations: int, converged: bool) -> None:
    classifier = Bovw(settings().model_copy(update={"max_iterations": iterations, "C": 100.0}))
    fit = classifier.fit(
        barred(3), barred(1), TrainingPlan(0, "cpu"), observe=ignore, checkpoints=Checkpoints(tmp_path, 1e9)
    )
    assert fit.notes["converged"] is converged


def test_a_bag_that_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vocabulary isn't found again, nor are words of images that were done."""
    monkeypatch.setattr("ferlab.classifiers.bovw.BLOCK", 4)
    images = noise(10)
    expected = Bag(settings().features).fit(images, 0, Checkpoints(tmp_path / "whole", 0))
    with pytest.raises(KilledError):
        Bag(settings().features).fit(images, 0, Dying(tmp_path / "killed", 2))
    monkeypatch.setattr(VisualWords, "fit", None)
    seen = []
    transform = VisualWords.transform
    monkeypatch.setattr(VisualWords, "transform", lambda self, some: (seen.append(len(some)), transform(self, some))[1])
    found = Bag(settings().features).fit(images, 0, Checkpoints(tmp_path / "killed", 0))
    assert seen == [4, 2]
    np.testing.assert_array_equal(found, expected)


def test_a_vocabulary_of_other_settings(tmp_path: Path) -> None:
    classifier = Bovw(settings())
    classifier.fit(barred(2), barred(1), TrainingPlan(0, "cpu"), observe=ignore, checkpoints=Checkpoints(tmp_path, 1e9))
    (tmp_path / "kept").mkdir()
    classifier.save(tmp_path / "kept")
    with pytest.raises(UserError, match="20 words"):
        Bovw(settings(words=21)).load(tmp_path / "kept")
