"""What every classifier of the catalogue must do, whatever it is."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from ferlab.classifiers.base import Classifier, Fit, TrainingPlan
from ferlab.classifiers.catalogue import METHODS, create
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.files import content_hash
from ferlab.params import Augmentation, load
from ferlab.params import Classifier as Settings
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from small import REPOSITORY, UNCHANGED, Dying, KilledError, Record, barred, noise

PARAMS = load(REPOSITORY / "params.yaml")
SMALL_NETWORK = {"width": 0.0625, "epochs": 2, "batch_size": 8, "lr": 0.05}
FEW_WORDS = {"words": 30, "vocabulary_images": 10}
SMALL: dict[str, Mapping[str, Any]] = {  # laid on the settings of params.yaml, by method
    "network": SMALL_NETWORK,
    "svm": {"max_iterations": 500},
    "l2svm": SMALL_NETWORK,
    "transformer": SMALL_NETWORK,
    "two_level": {"network": SMALL_NETWORK},
    "null_model": {"filters": 8, "patches": 500, "grid": 4, "alpha": 100.0},
    "dfsvm": {"training": {"width": 0.0625, "epochs": 2, "batch_size": 8, "lr": 0.02}},
    "bovw": {"features": FEW_WORDS},
    "local_learning": {"features": FEW_WORDS, "neighbours": 15},
    "mapped_lbp": {"radii": [2], "network": SMALL_NETWORK},
    "folds": {"folds": 2, "network": SMALL_NETWORK},
}
OF_SEVERAL = {"dfsvm", "two_level", "local_learning", "mapped_lbp", "folds"}  # networks, trained one after the other
LEFT_OUT = {"dfsvm", "resnet50-paper", "vgg16-paper"}  # it needs ImageNet's weights; they differ in numbers only
NAMES = sorted(set(PARAMS.classifiers) - LEFT_OUT)
TRAIN, VALID = barred(3), barred(1, seed=1, split="valid")

Trained = Callable[[str], tuple[Classifier, Fit, Record]]


def small(name: str, **changes: Any) -> Any:
    settings = PARAMS.classifiers[name]
    update = {**SMALL[settings.method], **changes}
    parts = {"training", "features", *(["network"] if settings.method in ("two_level", "mapped_lbp", "folds") else [])}
    for key in parts & SMALL[settings.method].keys():
        update[key] = getattr(settings, key).model_copy(update=update[key])
    if getattr(settings, "networks", ()):
        update["networks"] = {"vgg16": settings.networks["vgg16"].model_copy(update=SMALL_NETWORK)}
    return settings.model_copy(update=update)


def make(name: str, **changes: Any) -> Classifier:
    return create(small(name, **changes))


def fit(
    classifier: Classifier, checkpoints: Checkpoints, train: ImageSet = TRAIN, valid: ImageSet = VALID, **other: Any
) -> Fit:
    plan = TrainingPlan(other.get("seed", 0), "cpu", select=other.get("select", "valid"))
    return classifier.fit(train, valid, plan, observe=other.get("observe", ignore), checkpoints=checkpoints)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    @cache
    def run(name: str) -> tuple[Classifier, Fit, Record]:
        classifier, record = make(name), Record()
        found = fit(classifier, Checkpoints(tmp_path_factory.mktemp(name), 1e9), observe=record)
        return classifier, found, record

    return run


def saved(classifier: Classifier, folder: Path) -> Path:
    folder.mkdir()
    classifier.save(folder)
    return folder


def test_every_entry_has_a_row_in_the_parameters() -> None:
    rows = PARAMS.classifiers.values()
    assert {row.method for row in rows} == set(METHODS) == set(SMALL)


@pytest.mark.parametrize("name", NAMES)
def test_recreated_from_plain_settings(name: str, trained: Trained, tmp_path: Path) -> None:
    """As a run's record holds them."""
    classifier = trained(name)[0]
    settings: Settings = TypeAdapter(Settings).validate_json(small(name).model_dump_json(), strict=True)
    again = create(settings).load(saved(classifier, tmp_path / "a"))
    np.testing.assert_array_equal(again.predict_proba(noise(3)), classifier.predict_proba(noise(3)))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_fit_tells(name: str, trained: Trained) -> None:
    _, found, record = trained(name)
    assert [row["epoch"] for row in found.history] == list(range(1, len(found.history) + 1))
    assert record.rows == [(int(row["epoch"]), row) for row in found.history]
    accuracies = [row["valid_accuracy"] for row in found.history]
    assert found.valid_accuracy == accuracies[found.selected_epoch - 1]
    if PARAMS.classifiers[name].method not in OF_SEVERAL:  # whose last row is the whole's
        assert found.selected_epoch == 1 + accuracies.index(max(accuracies))
    assert 0 <= found.valid_accuracy <= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_last_epoch_is_kept_where_the_plan_says_so(name: str, trained: Trained, tmp_path: Path) -> None:
    """The same epochs are trained; the accuracy told is that of the classifier that is left."""
    classifier = make(name)
    found = fit(classifier, Checkpoints(tmp_path / "x", 1e9), select="last")
    assert found.selected_epoch == len(found.history)
    assert found.valid_accuracy == found.history[-1]["valid_accuracy"]
    assert found.valid_accuracy == (classifier.predict_proba(VALID.images).argmax(axis=1) == VALID.labels).mean()
    expected = trained(name)[1]
    if PARAMS.classifiers[name].method in OF_SEVERAL:  # whose last row is the whole's, on other epochs of its members
        assert found.history[:-1] == expected.history[:-1]
        return
    assert found.history == expected.history
    kept = content_hash(saved(classifier, tmp_path / "last"))
    same = kept == content_hash(saved(trained(name)[0], tmp_path / "by_validation"))
    assert same == (expected.selected_epoch == len(found.history))


@pytest.mark.parametrize("name", NAMES)
def test_probabilities(name: str, trained: Trained) -> None:
    classifier = trained(name)[0]
    found = classifier.predict_proba(VALID.images)
    assert found.dtype == np.float64
    assert found.shape == (7, 7)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    assert trained(name)[1].valid_accuracy == (found.argmax(axis=1) == VALID.labels).mean()


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_judged_by_itself(name: str, trained: Trained) -> None:
    """Whatever else is in the batch, and however often it is asked."""
    classifier, faces = trained(name)[0], noise(140)
    together = classifier.predict_proba(faces)
    np.testing.assert_array_equal(classifier.predict_proba(faces), together)
    np.testing.assert_allclose(classifier.predict_proba(faces[::-1]), together[::-1], atol=1e-5)
    np.testing.assert_allclose(classifier.predict_proba(faces[5:6]), together[5:6], atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [0, 1, 2])
def test_any_number_of_images(name: str, n: int, trained: Trained) -> None:
    found = trained(name)[0].predict_proba(noise(n))
    assert found.shape == (n, 7)
    assert found.dtype == np.float64


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded(name: str, trained: Trained, tmp_path: Path) -> None:
    classifier = trained(name)[0]
    first = saved(classifier, tmp_path / "first")
    again = make(name).load(first)
    np.testing.assert_array_equal(again.predict_proba(noise(5)), classifier.predict_proba(noise(5)))
    assert content_hash(saved(again, tmp_path / "second")) == content_hash(first)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_an_error(name: str, trained: Trained, tmp_path: Path) -> None:
    """It is never taken for a classifier."""
    folder = saved(trained(name)[0], tmp_path / "a")
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UserError):
        make(name).load(folder)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes(name: str, trained: Trained, tmp_path: Path) -> None:
    """Neither torch's nor numpy's global state matters, nor what was fitted before; pixels may lie on disk."""
    torch.manual_seed(99)
    np.random.seed(99)
    for images in (TRAIN, VALID):
        images.save(tmp_path / images.split)
    sets = [ImageSet.open(tmp_path / name) for name in ("train", "valid")]
    again = make(name)
    fit(again, Checkpoints(tmp_path / "x", 1e9), *sets, seed=5)
    other = content_hash(saved(again, tmp_path / "other"))
    fit(again, Checkpoints(tmp_path / "y", 1e9), *sets)
    expected = content_hash(saved(trained(name)[0], tmp_path / "expected"))
    assert content_hash(saved(again, tmp_path / "again")) == expected
    assert other != expected or PARAMS.classifiers[name].method == "svm"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("writes", [1, 5, 7])
def test_interrupted_it_ends_bit_equal(name: str, writes: int, trained: Trained, tmp_path: Path) -> None:
    """A classifier that writes no checkpoints starts afresh, which must come to the same."""
    with suppress(KilledError):
        fit(make(name), Dying(tmp_path / "flight", writes))
    classifier, record = make(name), Record()
    found = fit(classifier, Checkpoints(tmp_path / "flight", 0), observe=record)
    assert found == trained(name)[1]
    assert record.rows == trained(name)[2].rows
    expected = content_hash(saved(trained(name)[0], tmp_path / "expected"))
    assert content_hash(saved(classifier, tmp_path / "again")) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("problem", ["no training images", "no validation images", "a class is missing"])
def test_sets_on_which_nothing_can_be_trained(name: str, problem: str, tmp_path: Path) -> None:
    nothing = np.zeros(0, dtype=np.int64)
    train, valid, named = {
        "no training images": (TRAIN.take(nothing), VALID, "train"),
        "no validation images": (TRAIN, VALID.take(nothing), "valid"),
        "a class is missing": (TRAIN.take(TRAIN.labels != 1), VALID, "disgust"),
    }[problem]
    with pytest.raises(UserError, match=named):
        fit(make(name), Checkpoints(tmp_path, 1e9), train, valid)


@pytest.mark.parametrize("name", NAMES)
def test_it_learns(name: str, tmp_path: Path) -> None:
    """Bars at seven heights can be told apart; one guess in seven is right by chance."""
    settings = PARAMS.classifiers[name]
    longer = {"epochs": 12, "schedule": "one_cycle"} if METHODS[settings.method].counts_steps else {}
    if settings.method in ("two_level", "mapped_lbp", "folds"):
        longer["network"] = {**SMALL_NETWORK, "epochs": 12, "augmentation": Augmentation(**UNCHANGED)}
    elif settings.method == "dfsvm":
        longer["training"] = SMALL["dfsvm"]["training"] | {"epochs": 8}
    elif name == "svm":  # as many components as images would leave nothing but noise
        longer["features"] = settings.features.model_copy(update={"components": 10})
    elif longer:
        longer["augmentation"] = settings.augmentation.model_copy(update={"translation": 0.0})
    found = fit(make(name, **longer), Checkpoints(tmp_path, 1e9), barred(8), barred(4, seed=1, split="valid"))
    assert found.valid_accuracy > 0.6
