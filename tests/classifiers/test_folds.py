"""Folds against scikit-learn's definition of a partition; the members and their mean."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ferlab.classifiers.base import Fit, TrainingPlan
from ferlab.classifiers.cnn import Cnn
from ferlab.classifiers.folds import Folds, folds_of
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.params import FoldsClassifier
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from small import NETWORK, barred, noise

SETTINGS = {"method": "folds", "folds": 2, "network": NETWORK | {"method": "l2svm", "C": 1.0, "epochs": 1}}


def with_copies(images: ImageSet) -> ImageSet:
    """Each image twice."""
    return images.take(np.repeat(np.arange(len(images)), 2))


def test_each_fold_has_its_share_of_each_class() -> None:
    images = barred(6)
    fold_of = folds_of(images, 3)
    for label in np.unique(images.labels):
        np.testing.assert_array_equal(np.bincount(fold_of[images.labels == label]), [2, 2, 2])


def test_copies_are_in_one_fold() -> None:
    fold_of = folds_of(with_copies(barred(6)), 3)
    np.testing.assert_array_equal(fold_of[::2], fold_of[1::2])
    assert set(fold_of) == {0, 1, 2}


def test_a_class_with_fewer_images_than_folds_is_named() -> None:
    images = barred(4)
    few = images.take((images.labels != 1) | (np.cumsum(images.labels == 1) <= 2))
    with pytest.raises(UserError, match=r"3 folds need 3 .* there are 2 of disgust"):
        folds_of(few, 3)
    with pytest.raises(UserError, match=r"there are 2 of"):  # copies make no image more
        folds_of(with_copies(barred(2)), 3)


def test_the_whole_is_the_members_mean_and_each_learns_from_its_own_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, fit = list[tuple[set[str], set[str]]](), Cnn.fit

    def noted(self: Cnn, train: ImageSet, valid: ImageSet, *rest: Any, **others: Any) -> Fit:
        given.append((set(train.ids), set(valid.ids)))
        return fit(self, train, valid, *rest, **others)

    monkeypatch.setattr(Cnn, "fit", noted)
    classifier, images = Folds(FoldsClassifier.model_validate(SETTINGS)), noise(4)
    checkpoints = Checkpoints(tmp_path, 1e9)
    found = classifier.fit(barred(4), barred(1), TrainingPlan(0, "cpu"), observe=ignore, checkpoints=checkpoints)
    (kept, left_out), (other_kept, other_left_out) = given
    assert (kept, left_out) == (other_left_out, other_kept)
    assert not kept & left_out
    assert kept | left_out == set(barred(4).ids)
    assert [row["member"] for row in found.history] == [0, 1, 2]
    assert set(found.notes) == {"fold0_accuracy", "fold1_accuracy"}
    each = [member.predict_proba(images) for member in classifier.members.values()]
    np.testing.assert_allclose(classifier.predict_proba(images), np.mean(each, axis=0))
    assert (each[0] != each[1]).any()


@pytest.mark.parametrize("changes", [{"folds": 1}, {"folds": 100}, {"network": NETWORK | {"method": "svm"}}])
def test_settings_that_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"folds|network"):
        FoldsClassifier.model_validate(SETTINGS | changes)
