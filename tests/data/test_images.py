"""ImageSet: what goes to disk comes back; parts and joins keep their rows together."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferlab.data.images import ImageSet, concatenate
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.errors import UserError
from ferlab.files import content_hash
from small import barred, noise

COLUMNS = ("ids", "subjects", "origins", "classes", "split")


@st.composite
def image_sets(draw: st.DrawFn) -> ImageSet:
    n = draw(st.integers(0, 6))
    classes = tuple(draw(st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True)))
    column = st.lists(st.text(max_size=4), min_size=n, max_size=n).map(tuple)
    labels = draw(st.lists(st.integers(0, len(classes) - 1), min_size=n, max_size=n))
    return ImageSet(
        images=noise(n, draw(st.integers(0, 99))),
        labels=np.array(labels, dtype=np.int64),
        classes=classes,
        ids=draw(column),
        subjects=draw(column),
        origins=draw(column),
        split=draw(st.text(max_size=5)),
    )


def assert_equal(found: ImageSet, expected: ImageSet) -> None:
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.images.dtype == np.uint8
    assert found.labels.dtype == np.int64
    for column in COLUMNS:
        assert getattr(found, column) == getattr(expected, column)


@settings(deadline=None, max_examples=40)
@given(image_sets())
def test_round_trip(images: ImageSet) -> None:
    """Whatever the texts and numbers are, the empty set included; saving again gives the same bytes."""
    with TemporaryDirectory() as name:
        first, second = Path(name) / "first", Path(name) / "second"
        images.save(first)
        opened = ImageSet.open(first)
        assert_equal(opened, images)
        assert opened.digest() == images.digest()
        opened.save(second)
        assert content_hash(first) == content_hash(second)


def test_files_are_numpys_own(tmp_path: Path) -> None:
    images = barred(2)
    images.save(tmp_path / "set")
    np.testing.assert_array_equal(np.load(tmp_path / "set" / "images.npy"), images.images)
    np.testing.assert_array_equal(np.load(tmp_path / "set" / "labels.npy"), images.labels)


def test_pixels_stay_on_disk_and_are_read_only(tmp_path: Path) -> None:
    barred(1).save(tmp_path / "set")
    opened = ImageSet.open(tmp_path / "set")
    assert isinstance(opened.images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        opened.images[0] = 0


def test_a_part_that_is_not_contiguous_is_saved_in_its_order(tmp_path: Path) -> None:
    images = barred(2)
    turned = ImageSet(
        images.images.transpose(0, 2, 1),
        *(getattr(images, c) for c in ("labels", "classes")),
        *(getattr(images, c) for c in ("ids", "subjects", "origins", "split")),
    )
    turned.save(tmp_path / "set")
    np.testing.assert_array_equal(ImageSet.open(tmp_path / "set").images, images.images.transpose(0, 2, 1))


@pytest.mark.parametrize("missing", ["images.npy", "labels.npy", "meta.json"])
def test_an_incomplete_folder(tmp_path: Path, missing: str) -> None:
    barred(1).save(tmp_path / "set")
    (tmp_path / "set" / missing).unlink()
    with pytest.raises(UserError, match=missing) as caught:
        ImageSet.open(tmp_path / "set")
    assert caught.value.where == str(tmp_path / "set")


@pytest.mark.parametrize("damaged", ["images.npy", "labels.npy", "meta.json"])
def test_a_file_that_was_cut_off(tmp_path: Path, damaged: str) -> None:
    barred(1).save(tmp_path / "set")
    path = tmp_path / "set" / damaged
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match="no readable set of images"):
        ImageSet.open(tmp_path / "set")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no readable set of images"):
        ImageSet.open(tmp_path / "absent")


def test_take_keeps_rows_together() -> None:
    images = barred(2)
    chosen = np.array([9, 0, 9, 4])
    part = images.take(chosen)
    assert part.ids == tuple(f"train/{i}" for i in chosen)
    np.testing.assert_array_equal(part.images, images.images[chosen])
    np.testing.assert_array_equal(part.labels, chosen % 7)
    mask = images.labels == FER_CLASSES.index("sad")
    assert images.take(mask).ids == ("train/4", "train/11")
    assert len(images.take(np.zeros(14, dtype=bool))) == 0


def test_counts_name_every_class() -> None:
    part = barred(3).take(np.array([0, 7, 3]))
    assert part.counts() == dict.fromkeys(FER_CLASSES, 0) | {"angry": 2, "happy": 1}


def test_concatenate() -> None:
    first, second = barred(1, split="a"), barred(2, seed=1, split="b", origin="other")
    both = concatenate([first, second], "train")
    assert both.split == "train"
    assert both.ids == first.ids + second.ids
    assert both.origins == ("made",) * 7 + ("other",) * 14
    np.testing.assert_array_equal(both.images[7:], second.images)
    with pytest.raises(AssertionError):
        concatenate([first, barred(1, classes=CKPLUS_CLASSES)], "train")


@pytest.mark.parametrize("column", ["images", "labels", "ids", "classes"])
def test_digest_sees_every_change(column: str) -> None:
    images = barred(1)
    changed = {
        "images": (images.images ^ 1, images.labels, images.classes, images.ids),
        "labels": (images.images, images.labels[::-1].copy(), images.classes, images.ids),
        "classes": (images.images, images.labels, images.classes[::-1], images.ids),
        "ids": (images.images, images.labels, images.classes, images.ids[::-1]),
    }[column]
    assert ImageSet(*changed, images.subjects, images.origins, images.split).digest() != images.digest()


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (noise(2).astype(np.float32), np.zeros(2, np.int64)),
        (np.zeros((2, 32, 48), np.uint8), np.zeros(2, np.int64)),
        (noise(2), np.zeros(2, np.int32)),
        (noise(2), np.zeros(3, np.int64)),
    ],
)
def test_other_shapes_and_types_are_refused(images: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(AssertionError):
        ImageSet(images, labels, FER_CLASSES, ("a", "b"), ("",) * 2, ("",) * 2, "x")


@pytest.mark.parametrize("side", [48, 64])
def test_a_set_carries_its_side(tmp_path: Path, side: int) -> None:
    pixels = np.zeros((2, side, side), np.uint8)
    faces = ImageSet(pixels, np.zeros(2, np.int64), ("happy",), ("a", "b"), ("", ""), ("made", "made"), "train")
    faces.save(tmp_path / "set")
    assert ImageSet.open(tmp_path / "set").side == side
