"""The audit's figures on sets whose faults were planted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.datasets.audit import image_table, rows_of_test, summarise, summarise_ckplus
from small import noise

FACES = noise(12)


def image_set(split: str, rows: list[tuple[int, str]]) -> ImageSet:
    """Rows of (which of FACES, class)."""
    n = len(rows)
    return ImageSet(
        images=FACES[[face for face, _ in rows]],
        labels=np.array([FER_CLASSES.index(name) for _, name in rows], dtype=np.int64),
        classes=FER_CLASSES,
        ids=tuple(f"{split}/{i}" for i in range(n)),
        subjects=("",) * n,
        origins=("x",) * n,
        split=split,
    )


SETS = {
    # face 0 three times with one label, face 1 twice with two labels
    "train": image_set("train", [(0, "happy"), (0, "happy"), (1, "sad"), (2, "fear"), (3, "fear"), (0, "happy")]),
    # face 2 copies train, with another label; face 4 twice within
    "valid": image_set("valid", [(2, "angry"), (4, "neutral"), (4, "neutral"), (5, "sad")]),
    # face 1 copies train, with another label; face 4 copies valid; face 3 copies train; 6 is new
    "test": image_set("test", [(1, "neutral"), (4, "neutral"), (3, "fear"), (6, "disgust"), (0, "happy")]),
}


def test_planted_duplicates_conflicts_and_copies() -> None:
    summary = summarise(image_table(SETS, 1.0, 0.995))
    # groups: 0 (4 images), 1 (2, conflict), 2 (2, conflict), 3 (2), 4 (3)
    assert summary["duplicates"] == {"groups": 5, "images": 13, "extras": 8, "groups_with_conflicting_labels": 2}
    assert summary["copies"] == {
        "test_in_train": {"all": 3, "neutral": 1, "fear": 1, "happy": 1},
        "test_in_valid": {"all": 1, "neutral": 1},
        "test_in_either": {"all": 4, "neutral": 2, "fear": 1, "happy": 1},
        "valid_in_train": {"all": 1, "angry": 1},
        "test_near_train": {"all": 3, "neutral": 1, "fear": 1, "happy": 1},
    }
    assert summary["near_duplicates"] == {"groups": 5, "images": 13, "extras": 8}
    assert summary["conflicts"] == [
        {"labels": ["angry", "fear"], "groups": 1},
        {"labels": ["neutral", "sad"], "groups": 1},
    ]
    assert summary["images"] == {
        "train": {"happy": 3, "sad": 1, "fear": 2},
        "valid": {"angry": 1, "neutral": 2, "sad": 1},
        "test": {"neutral": 2, "fear": 1, "disgust": 1, "happy": 1},
    }
    assert summary["constant"] == {"train": 0, "valid": 0, "test": 0}


def test_one_row_an_image_with_its_group() -> None:
    table = image_table(SETS, 1.0, 0.995)
    assert list(table["id"]) == [name for images in SETS.values() for name in images.ids]
    pixels = np.concatenate([images.images for images in SETS.values()]).reshape(len(table), -1)
    equal = (pixels[:, None] == pixels[None]).all(axis=2)
    group = table["duplicate_group"].to_numpy()
    np.testing.assert_array_equal(group[:, None] == group[None], equal)
    assert list(table.columns) == [
        "split", "id", "label", "duplicate_group", "near_group", "copy_in_train", "copy_in_held_out", "constant",
    ]  # fmt: skip
    assert list(table[table["copy_in_train"]]["id"]) == ["valid/0", "test/0", "test/2", "test/4"]
    assert list(table[table["copy_in_held_out"]]["id"]) == [f"train/{i}" for i in range(6)]


def test_a_near_copy_is_counted_apart() -> None:
    """A test image that is a train image with one row changed a little is no exact copy of it."""
    retouched = SETS["test"].images.copy()
    retouched[3] = FACES[2]
    retouched[3, 0] ^= 1
    table = image_table(SETS | {"test": replace(SETS["test"], images=retouched)}, 1.0, 0.995)
    tested = rows_of_test(table)
    assert list(tested.columns) == [
        "id", "label", "duplicate_group", "copy_in_train", "near_copy_in_train", "constant",
    ]  # fmt: skip
    assert list(tested["id"]) == list(SETS["test"].ids)
    assert list(tested["copy_in_train"]) == [True, False, True, False, True]
    assert list(tested["near_copy_in_train"]) == [True, False, True, True, True]
    summary = summarise(table)
    assert summary["copies"]["test_in_train"]["all"] == 3
    assert summary["copies"]["test_near_train"] == {"all": 4, "neutral": 1, "fear": 1, "happy": 1, "disgust": 1}
    assert summary["near_duplicates"]["extras"] == summary["duplicates"]["extras"] + 1


def test_constant_images_are_no_near_copies() -> None:
    black = replace(SETS["valid"], images=np.zeros((4, 48, 48), np.uint8))
    summary = summarise(image_table(SETS | {"valid": black}, 1.0, 0.995))
    assert summary["duplicates"]["extras"] - summary["near_duplicates"]["extras"] == 3


def test_one_pixel_makes_another_image() -> None:
    changed = SETS["test"].images.copy()
    changed[:, 20, 20] ^= 1
    rest = (SETS["test"].labels, FER_CLASSES, SETS["test"].ids, SETS["test"].subjects, SETS["test"].origins, "test")
    summary = summarise(image_table(SETS | {"test": ImageSet(changed, *rest)}, 1.0, 0.995))
    assert summary["copies"]["test_in_either"] == {"all": 0}


@pytest.mark.parametrize(("limit", "constant"), [(0.0, 0), (1.0, 2), (2.0, 3), (127.0, 4)])
def test_constant_images(limit: float, constant: int) -> None:
    """All black; half 100 and half 101 (standard deviation 0.5); half 100 and half 103 (1.5); noise (about 74)."""
    images = np.zeros((4, 48, 48), np.uint8)
    images[1:3] = 100
    images[1, :24] = 101
    images[2, :24] = 103
    images[3] = FACES[0]
    column = ("a", "b", "c", "d")
    labels = np.zeros(4, np.int64)
    whole = ImageSet(images, labels, FER_CLASSES, column, column, column, "train")
    others = {split: image_set(split, [(1, "sad")]) for split in ("valid", "test")}
    table = image_table({"train": whole} | others, limit, 0.995)
    assert table["constant"].sum() == (constant if limit < 127 else 6)
    assert summarise(table)["constant"]["train"] == constant


def test_ckplus_counts_sequences_not_frames() -> None:
    names = [f"c/S{s:03}_{q:03}_{f:08}.png" for s, q in ((1, 1), (1, 2), (2, 1)) for f in (1, 2, 3)]
    labels = np.repeat([1, 3, 1], 3)
    subjects = tuple(name[2:6] for name in names)
    images = ImageSet(noise(9), labels, CKPLUS_CLASSES, tuple(names), subjects, ("ckplus",) * 9, "all")
    assert summarise_ckplus(images) == {
        "images": {"contempt": 6, "fear": 3},
        "sequences": {"contempt": 2, "fear": 1},
        "subjects": 2,
        "sequences_in_two_classes": 0,
    }
    mixed = ImageSet(noise(9), np.roll(labels, 1), *(images.classes, images.ids, images.subjects), ("",) * 9, "all")
    assert summarise_ckplus(mixed)["sequences_in_two_classes"] == 2


def test_a_table_of_ckplus_has_no_sequences_to_count() -> None:
    nobody = ("",) * 9
    images = ImageSet(noise(9), np.arange(9) % 7, CKPLUS_CLASSES, nobody, nobody, nobody, "all")
    found = summarise_ckplus(images)
    assert (sum(found["images"].values()), found["sequences"], found["subjects"]) == (9, {}, 0)
