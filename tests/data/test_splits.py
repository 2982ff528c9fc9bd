"""Stratified parts, and folds that keep persons together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferlab.data import ids as image_ids
from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.data.splits import hold_out, stratified_part, subject_folds, three_splits
from ferlab.datasets.counts import PUBLISHED
from ferlab.errors import UserError
from small import barred, noise

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(7), PUBLISHED["valid"]))


@given(st.floats(0.05, 0.95), st.integers(0, 100))
def test_each_class_keeps_its_share(fraction: float, seed: int) -> None:
    part = stratified_part(LABELS, fraction, seed)
    assert np.all(np.diff(part) > 0)
    assert abs(len(part) - fraction * len(LABELS)) <= 1
    for label, n in enumerate(PUBLISHED["valid"]):
        assert abs((LABELS[part] == label).sum() - fraction * n) <= 1


def test_one_chooses_all() -> None:
    np.testing.assert_array_equal(stratified_part(LABELS, 1.0, 5), np.arange(3589))


@pytest.mark.parametrize("fraction", [0.25, 0.1])
def test_the_seed_decides(fraction: float) -> None:
    first = stratified_part(LABELS, fraction, 0)
    np.testing.assert_array_equal(first, stratified_part(LABELS, fraction, 0))
    assert not np.array_equal(first, stratified_part(LABELS, fraction, 1))


@pytest.mark.parametrize(
    ("labels", "fraction"), [([0, 0, 1], 0.5), ([0, 0, 1, 1, 2, 2], 0.2), ([0, 0, 1, 1], 0.01), ([], 0.5)]
)
def test_classes_too_small_to_be_parted(labels: list[int], fraction: float) -> None:
    with pytest.raises(UserError, match=f"{len(labels)} images can't be parted at {fraction}"):
        stratified_part(np.array(labels, dtype=np.int64), fraction, 0)


def with_copies(seed: int) -> ImageSet:
    """Noise of seven classes in which 60 images come again, some of them more than once and some of another class."""
    rng = np.random.default_rng(seed)
    faces = barred(30)
    chosen = np.concatenate([np.arange(210), rng.integers(0, 210, 60)])
    copies = faces.take(rng.permutation(chosen))
    names = tuple(f"train/{i}" for i in range(len(copies)))
    labels = np.where(rng.random(len(copies)) < 0.05, rng.integers(0, 7, len(copies)), copies.labels)
    pixels = noise(210, seed)[np.array([faces.ids.index(name) for name in copies.ids])]
    return replace(copies, ids=names, labels=labels, images=pixels)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 50), st.floats(0.1, 0.5))
def test_what_is_held_out_holds_no_copy_of_what_trains(seed: int, share: float) -> None:
    images = with_copies(seed)
    kept, held = hold_out(images, share)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(len(images)))
    pixels = [{image.tobytes() for image in images.images[part]} for part in (kept, held)]
    assert not pixels[0] & pixels[1]
    assert abs(len(pixels[1]) - share * 210) <= 1  # a share of the different images
    np.testing.assert_array_equal(held, hold_out(images, share)[1])


def test_without_copies_each_class_has_its_share_held_out() -> None:
    images = barred(40)
    images = replace(images, images=noise(len(images)))
    kept, held = hold_out(images, 0.25)
    assert images.take(held).counts() == dict.fromkeys(images.classes, 10)
    np.testing.assert_array_equal(kept, stratified_part(images.labels, 0.75, 0))


def test_a_share_of_nothing_holds_out_nothing() -> None:
    kept, held = hold_out(barred(2), 0.0)
    assert (list(kept), list(held)) == (list(range(14)), [])


def frames(rows: list[tuple[int, int, int]]) -> ImageSet:
    """CK+ in small: rows of (person, class, which picture); three frames each."""
    ids, labels, subjects = [], [], []
    for sequence, (person, label, _) in enumerate(rows):
        ids += [f"{CKPLUS_CLASSES[label]}/S{person:03}_{sequence:03}_{frame:08}.png" for frame in (1, 2, 3)]
        labels += [label] * 3
        subjects += [f"S{person:03}"] * 3
    pictures = noise(max((picture for *_, picture in rows), default=0) * 3 + 3)
    chosen = [3 * picture + frame for *_, picture in rows for frame in range(3)]
    column = ("ckplus",) * len(ids)
    return ImageSet(
        pictures[chosen], np.array(labels, np.int64), CKPLUS_CLASSES, tuple(ids), tuple(subjects), column, "all"
    )


def folds_of(keys: list[str], folds: np.ndarray) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for key, fold in zip(keys, folds, strict=True):
        found.setdefault(key, set()).add(int(fold))
    return found


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 30)), min_size=1, max_size=24),
    st.integers(2, 4),
    st.integers(0, 99),
)
def test_no_person_sequence_or_copy_is_in_two_folds(rows: list[tuple[int, int, int]], folds: int, seed: int) -> None:
    """Pictures recur by chance, so persons are joined by copies; there may be fewer of them than folds."""
    images = frames(rows)
    found = subject_folds(images, folds, seed)
    assert found.dtype == np.int64
    assert set(found) == set(range(len(set(found))))
    assert len(set(found)) <= min(folds, len(set(images.subjects)))
    for keys in (
        list(images.subjects),
        [image_ids.sequence(name) for name in images.ids],
        [image.tobytes() for image in images.images],
    ):
        assert max(map(len, folds_of(keys, found).values())) == 1
    np.testing.assert_array_equal(found, subject_folds(images, folds, seed))


def test_folds_are_balanced_and_the_seed_decides() -> None:
    rows = [(person, label, 3 * person + label) for person in range(40) for label in range(3)]
    images = frames(rows)
    found = subject_folds(images, 4, 0)
    for fold in range(4):
        np.testing.assert_array_equal(np.bincount(images.labels[found == fold]), [30, 30, 30])
    assert not np.array_equal(found, subject_folds(images, 4, 1))


def test_a_copy_joins_two_persons() -> None:
    rows = [(person, 0, 0 if person in (2, 5) else 1 + person) for person in range(8)]
    for seed in range(6):
        found = subject_folds(frames(rows), 4, seed)
        assert found[3 * 2] == found[3 * 5]


def test_as_many_folds_as_there_can_be() -> None:
    persons = frames([(0, 0, 0), (1, 0, 1), (2, 0, 2)])
    assert set(subject_folds(persons, 4, 0)) == {0, 1, 2}
    few_of_a_class = frames([(0, 1, 0), *((i, 0, i) for i in range(1, 9))])  # three frames
    assert set(subject_folds(few_of_a_class, 5, 0)) == {0, 1, 2}


def test_one_fold_where_persons_are_not_known() -> None:
    images = frames([(person, 0, person) for person in range(8)])
    subjects = ("", *images.subjects[1:])
    assert set(subject_folds(replace(images, subjects=subjects), 4, 0)) == {0}
    assert set(subject_folds(frames([(0, 0, 0)]), 4, 0)) == {0}


def test_a_set_without_splits_is_parted_in_tenths() -> None:
    """The same share of each class, no person on two sides, and the same parts whenever it is asked."""
    faces = barred(40, classes=("calm", "cross"))
    persons = tuple(f"person {i % 20}" if i < 60 else "" for i in range(len(faces)))
    whole = replace(faces, subjects=persons, split="all")
    parts = three_splits({"all": whole})
    assert {split: part.split for split, part in parts.items()} == {name: name for name in ("train", "valid", "test")}
    assert sorted(name for part in parts.values() for name in part.ids) == sorted(whole.ids)
    shown = [set(part.subjects) - {""} for part in parts.values()]
    assert sum(map(len, shown)) == len(set().union(*shown)) == 20
    for split in ("valid", "test"):
        assert all(2 <= n <= 6 for n in parts[split].counts().values())
    assert three_splits({"all": whole})["test"].digest() == parts["test"].digest()


def test_a_set_without_a_validation_split_holds_out_a_tenth() -> None:
    train, test = barred(20, split="train"), barred(3, seed=1, split="test")
    parts = three_splits({"train": train, "test": test})
    assert parts["test"].digest() == test.digest()
    assert parts["valid"].counts() == dict.fromkeys(train.classes, 2)
    assert set(parts["valid"].ids) | set(parts["train"].ids) == set(train.ids)
    only_valid = three_splits({"train": train, "valid": test})
    assert (only_valid["test"].digest(), only_valid["test"].split) == (test.digest(), "test")


def test_what_cannot_be_parted_is_named() -> None:
    with pytest.raises(UserError, match="images to test on; this one has train alone"):
        three_splits({"train": barred(3)})
    with pytest.raises(UserError, match="'angry' has 9 different images or persons"):
        three_splits({"all": barred(9)})
