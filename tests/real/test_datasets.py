"""The real archives, to the digit."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from archives import archive
from ferlab.data.images import ImageSet
from ferlab.data.labels import FER_CLASSES
from ferlab.datasets import forms
from ferlab.datasets.audit import image_table, rows_of_test, summarise, summarise_ckplus
from ferlab.detection.detector import find_faces
from ferlab.synthesis.mix import with_labels_of

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def faces() -> dict[str, ImageSet]:
    found = forms.read(archive("fer2013.zip"))
    assert found.dataset == forms.FER2013
    assert forms.differences(found.dataset, found.sets) == []
    assert not found.problems + found.notices
    return found.sets


@pytest.fixture(scope="module")
def table(faces: dict[str, ImageSet]) -> pd.DataFrame:
    return image_table(faces, near_constant_std=1.0, near_correlation=0.995)


@pytest.fixture(scope="module")
def frames() -> ImageSet:
    found = forms.read(archive("ckplus48.zip"))
    assert found.dataset == forms.CKPLUS
    assert forms.differences(found.dataset, found.sets) == []
    return found.sets["all"]


def in_order(counts: dict[str, int]) -> list[int]:
    return [counts.get(name, 0) for name in FER_CLASSES]


def test_splits_and_classes(table: pd.DataFrame) -> None:
    counted = summarise(table)["images"]
    assert in_order(counted["train"]) == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert in_order(counted["valid"]) == [467, 56, 496, 895, 653, 415, 607]
    assert in_order(counted["test"]) == [491, 55, 528, 879, 594, 416, 626]
    assert {split: sum(part.values()) for split, part in counted.items()} == {
        "train": 28709, "valid": 3589, "test": 3589,
    }  # fmt: skip


def test_duplicates(table: pd.DataFrame) -> None:
    assert summarise(table)["duplicates"] == {
        "groups": 1516, "images": 3369, "extras": 1853, "groups_with_conflicting_labels": 57,
    }  # fmt: skip


def test_near_duplicates(table: pd.DataFrame) -> None:
    assert summarise(table)["near_duplicates"]["extras"] == 1942


def test_copies_across_splits(table: pd.DataFrame) -> None:
    """FER-2013 leaks: 288 of the 3589 test images are in the training split too."""
    copies = summarise(table)["copies"]
    assert {name: part["all"] for name, part in copies.items()} == {
        "test_in_train": 288, "test_in_valid": 44, "test_in_either": 314, "valid_in_train": 280, "test_near_train": 303,
    }  # fmt: skip
    assert in_order(copies["test_in_train"]) == [37, 16, 47, 28, 17, 118, 25]
    tested = rows_of_test(table)
    assert (len(tested), tested["copy_in_train"].sum(), tested["near_copy_in_train"].sum()) == (3589, 288, 303)


def test_constant_images(table: pd.DataFrame, faces: dict[str, ImageSet]) -> None:
    assert summarise(table)["constant"] == {"train": 12, "valid": 1, "test": 0}
    black = {
        split: part[~images.images.any(axis=(1, 2))]["label"].value_counts().to_dict()
        for split, images in faces.items()
        for part in [table[table["split"] == split]]
    }
    assert black == {
        "train": {"angry": 7, "happy": 1, "sad": 1, "surprise": 1, "neutral": 1}, "valid": {"angry": 1}, "test": {},
    }  # fmt: skip


def test_ckplus(frames: ImageSet) -> None:
    """Three frames a sequence, each a near copy of the others; contempt, and no neutral."""
    found = summarise_ckplus(frames)
    assert found["images"] == {
        "angry": 135, "contempt": 54, "disgust": 177, "fear": 75, "happy": 207, "sad": 84, "surprise": 249,
    }  # fmt: skip
    assert (sum(found["images"].values()), sum(found["sequences"].values())) == (981, 327)
    assert (found["sequences"]["contempt"], found["sequences"]["fear"]) == (18, 25)
    assert found["sequences"] == {name: n // 3 for name, n in found["images"].items()}
    assert found["subjects"] == 118
    assert found["sequences_in_two_classes"] == 0


def test_frames_of_a_sequence_are_near_copies(frames: ImageSet) -> None:
    """Median correlation 0.990; sequences stand together, three frames each."""
    rows = frames.images.reshape(327, 3, -1).astype(float)
    pairs = [np.corrcoef(sequence)[np.triu_indices(3, 1)] for sequence in rows]
    assert round(float(np.median(pairs)), 3) == 0.990


def test_what_the_policies_leave(frames: ImageSet) -> None:
    """54 of 981 frames are dropped, or become neutral."""
    assert len(with_labels_of(FER_CLASSES, frames, "drop_contempt")) == 927
    assert with_labels_of(FER_CLASSES, frames, "contempt_as_neutral").counts()["neutral"] == 54


@pytest.mark.long
def test_fer2013s_crops_are_the_detectors_boxes(faces: dict[str, ImageSet]) -> None:
    """So that a face found in a picture is cropped as those that a classifier has learned from."""
    side, boxes = 120, []
    for image in faces["test"].images[:: len(faces["test"]) // 150]:
        found = find_faces(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
        boxes.append([(box.x + box.width / 2, box.y + box.height / 2, box.width) for box in found[:1]])
    known = np.array([box for found in boxes for box in found]) / side
    assert 0.6 < len(known) / len(boxes) < 0.8
    np.testing.assert_allclose(np.median(known, axis=0), [0.5, 0.5, 0.95], atol=0.05)
