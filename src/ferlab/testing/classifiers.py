"""What every classifier must do, whatever it is."""

from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from ferlab.classifiers.base import Classifier, Fit, TrainingPlan
from ferlab.classifiers.catalogue import METHODS, create
from ferlab.code.closure import closure, source_of
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.files import content_hash
from ferlab.params import Classifier as Settings
from ferlab.testing.faces import barred, coloured, noise
from ferlab.testing.watched import Dying, KilledError, Record
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore

TRAIN, VALID = barred(3), barred(1, seed=1, split="valid")
CLASSES = len(TRAIN.classes)


class Trained(NamedTuple):
    """A fit on a few images, and what its observer was told. Read-only."""

    classifier: Classifier
    fit: Fit
    record: Record


def fit(
    classifier: Classifier, checkpoints: Checkpoints, train: ImageSet = TRAIN, valid: ImageSet = VALID, **other: Any
) -> Fit:
    plan = TrainingPlan(other.get("seed", 0), "cpu", select=other.get("select", "valid"))
    return classifier.fit(train, valid, plan, observe=other.get("observe", ignore), checkpoints=checkpoints)


def saved(classifier: Classifier, folder: Path) -> Path:
    folder.mkdir()
    classifier.save(folder)
    return folder


class ClassifierConformance:
    """Subclass it with a name that begins with Test, and say in the fixture `settings` what is tested."""

    @pytest.fixture(scope="class")
    @classmethod
    def settings(cls) -> Any:
        """Checked settings, with which a fit on 21 images takes a second at most."""
        pytest.fail("the subclass lacks the fixture `settings`: what is tested")

    @pytest.fixture(scope="class")
    @classmethod
    def enough(cls, settings: Any) -> Any:
        """Settings with which it learns seven easy classes from 56 images."""
        return settings

    @pytest.fixture(scope="class")
    @classmethod
    def of_several(cls) -> bool:
        """Whether it has members that are trained one after the other: only its last epoch is the whole's."""
        return False

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, settings: Any, tmp_path_factory: pytest.TempPathFactory) -> Trained:
        classifier, record = create(settings), Record()
        found = fit(classifier, Checkpoints(tmp_path_factory.mktemp("trained"), 1e9), observe=record)
        return Trained(classifier, found, record)

    def test_what_the_table_says_of_it(self, settings: Any) -> None:
        """Plans and schedules read these keys of what counts steps; an arm can switch off what augments."""
        method, keys = METHODS[settings.method], type(settings).model_fields.keys()
        counted = {"epochs", "batch_size", "lr", "schedule"}
        assert counted <= keys if method.counts_steps else not {"epochs", "batch_size"} <= keys
        assert method.augments == ("augmentation" in keys)
        assert method.path in closure(method.path, source_of(method.path)), "its code must name its results"

    def test_recreated_from_plain_settings(self, settings: Any, trained: Trained, tmp_path: Path) -> None:
        """As a run's record holds them."""
        plain: Any = TypeAdapter(Settings).validate_json(settings.model_dump_json(), strict=True)
        assert plain == settings
        again = create(plain).load(saved(trained.classifier, tmp_path / "a"))
        np.testing.assert_array_equal(again.predict_proba(noise(3)), trained.classifier.predict_proba(noise(3)))

    def test_what_a_fit_tells(self, trained: Trained, of_several: bool) -> None:
        _, found, record = trained
        assert [row["epoch"] for row in found.history] == list(range(1, len(found.history) + 1))
        assert record.rows == [(int(row["epoch"]), row) for row in found.history]
        accuracies = [row["valid_accuracy"] for row in found.history]
        assert found.valid_accuracy == accuracies[found.selected_epoch - 1]
        if not of_several:
            assert found.selected_epoch == 1 + accuracies.index(max(accuracies))
        assert 0 <= found.valid_accuracy <= 1

    def test_the_last_epoch_is_kept_where_the_plan_says_so(
        self, settings: Any, trained: Trained, of_several: bool, tmp_path: Path
    ) -> None:
        """The same epochs are trained; the accuracy told is that of the classifier that is left."""
        classifier = create(settings)
        found = fit(classifier, Checkpoints(tmp_path / "x", 1e9), select="last")
        assert found.selected_epoch == len(found.history)
        assert found.valid_accuracy == found.history[-1]["valid_accuracy"]
        assert found.valid_accuracy == (classifier.predict_proba(VALID.images).argmax(axis=1) == VALID.labels).mean()
        expected = trained.fit
        if of_several:  # the whole's last row is of other epochs of its members
            assert found.history[:-1] == expected.history[:-1]
            return
        assert found.history == expected.history
        kept = content_hash(saved(classifier, tmp_path / "last"))
        same = kept == content_hash(saved(trained.classifier, tmp_path / "by_validation"))
        assert same == (expected.selected_epoch == len(found.history))

    def test_probabilities(self, trained: Trained) -> None:
        found = trained.classifier.predict_proba(VALID.images)
        assert found.dtype == np.float64
        assert found.shape == (len(VALID), CLASSES)
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
        assert trained.fit.valid_accuracy == (found.argmax(axis=1) == VALID.labels).mean()

    def test_an_image_is_judged_by_itself(self, trained: Trained) -> None:
        """Whatever else is in the batch, and however often it is asked."""
        classifier, faces = trained.classifier, noise(140)
        together = classifier.predict_proba(faces)
        np.testing.assert_array_equal(classifier.predict_proba(faces), together)
        np.testing.assert_allclose(classifier.predict_proba(faces[::-1]), together[::-1], atol=1e-5)
        np.testing.assert_allclose(classifier.predict_proba(faces[5:6]), together[5:6], atol=1e-5)

    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_any_number_of_images(self, n: int, trained: Trained) -> None:
        found = trained.classifier.predict_proba(noise(n))
        assert found.shape == (n, CLASSES)
        assert found.dtype == np.float64

    def test_saved_and_loaded(self, settings: Any, trained: Trained, tmp_path: Path) -> None:
        first = saved(trained.classifier, tmp_path / "first")
        again = create(settings).load(first)
        np.testing.assert_array_equal(again.predict_proba(noise(5)), trained.classifier.predict_proba(noise(5)))
        assert content_hash(saved(again, tmp_path / "second")) == content_hash(first)

    def test_a_damaged_file_is_an_error(self, settings: Any, trained: Trained, tmp_path: Path) -> None:
        """It is never taken for a classifier."""
        folder = saved(trained.classifier, tmp_path / "a")
        for file in folder.iterdir():
            file.write_bytes(file.read_bytes()[:-9])
        with pytest.raises(UserError):
            create(settings).load(folder)

    def test_the_same_seed_gives_the_same_bytes(self, settings: Any, trained: Trained, tmp_path: Path) -> None:
        """Neither torch's nor numpy's global state matters, nor what was fitted before; pixels may lie on disk."""
        torch.manual_seed(99)
        np.random.seed(99)
        for images in (TRAIN, VALID):
            images.save(tmp_path / images.split)
        sets = [ImageSet.open(tmp_path / name) for name in ("train", "valid")]
        again = create(settings)
        fit(again, Checkpoints(tmp_path / "x", 1e9), *sets, seed=5)
        other = content_hash(saved(again, tmp_path / "other"))
        fit(again, Checkpoints(tmp_path / "y", 1e9), *sets)
        expected = content_hash(saved(trained.classifier, tmp_path / "expected"))
        assert content_hash(saved(again, tmp_path / "again")) == expected
        assert other != expected or not METHODS[settings.method].draws

    @pytest.mark.parametrize("writes", [1, 5, 7])
    def test_interrupted_it_ends_bit_equal(self, settings: Any, writes: int, trained: Trained, tmp_path: Path) -> None:
        """A classifier that writes no checkpoints starts afresh, which must come to the same."""
        with suppress(KilledError):
            fit(create(settings), Dying(tmp_path / "flight", writes))
        classifier, record = create(settings), Record()
        found = fit(classifier, Checkpoints(tmp_path / "flight", 0), observe=record)
        assert found == trained.fit
        assert record.rows == trained.record.rows
        expected = content_hash(saved(trained.classifier, tmp_path / "expected"))
        assert content_hash(saved(classifier, tmp_path / "again")) == expected

    @pytest.mark.parametrize("problem", ["no training images", "no validation images", "a class is missing"])
    def test_sets_on_which_nothing_can_be_trained(self, settings: Any, problem: str, tmp_path: Path) -> None:
        nothing = np.zeros(0, dtype=np.int64)
        train, valid, named = {
            "no training images": (TRAIN.take(nothing), VALID, "train"),
            "no validation images": (TRAIN, VALID.take(nothing), "valid"),
            "a class is missing": (TRAIN.take(TRAIN.labels != 1), VALID, TRAIN.classes[1]),
        }[problem]
        with pytest.raises(UserError, match=named):
            fit(create(settings), Checkpoints(tmp_path, 1e9), train, valid)

    def test_faces_in_colour(self, settings: Any, tmp_path: Path) -> None:
        """It learns from them and comes back from disk; one that knows grey faces alone is refused by its name."""
        train, valid = coloured(TRAIN), coloured(VALID)
        if not METHODS[settings.method].colour:
            with pytest.raises(UserError, match=settings.method):
                create(settings, train.faces)
            return
        classifier = create(settings, train.faces)
        fit(classifier, Checkpoints(tmp_path / "x", 1e9), train, valid)
        found = classifier.predict_proba(valid.images)
        assert found.shape == (len(VALID), CLASSES)
        again = create(settings, train.faces).load(saved(classifier, tmp_path / "saved"))
        np.testing.assert_array_equal(again.predict_proba(valid.images), found)
        assert classifier.predict_proba(valid.images[:0]).shape == (0, CLASSES)

    def test_it_learns(self, enough: Any, tmp_path: Path) -> None:
        """Bars at seven heights can be told apart; one guess in seven is right by chance."""
        found = fit(create(enough), Checkpoints(tmp_path, 1e9), barred(8), barred(4, seed=1, split="valid"))
        assert found.valid_accuracy > 0.6
