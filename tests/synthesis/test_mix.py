"""Label policies: what becomes of contempt, which FER-2013 has not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlab.data.images import FER_FACES, concatenate, nothing
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.errors import UserError
from ferlab.params import Arm
from ferlab.synthesis.mix import POLICIES, again, first, shuffled, with_labels_of
from small import barred

ADDED = barred(3, split="all", classes=CKPLUS_CLASSES, origin="dcgan")
NAMES = np.array(CKPLUS_CLASSES)[ADDED.labels]


def test_contempt_is_dropped() -> None:
    found = with_labels_of(FER_CLASSES, ADDED, "drop_contempt")
    kept = np.flatnonzero(NAMES != "contempt")
    assert found.classes == FER_CLASSES
    assert found.ids == tuple(ADDED.ids[i] for i in kept)
    np.testing.assert_array_equal(np.array(FER_CLASSES)[found.labels], NAMES[kept])
    np.testing.assert_array_equal(found.images, ADDED.images[kept])
    assert found.counts() == dict.fromkeys(FER_CLASSES, 3) | {"neutral": 0}


def test_contempt_becomes_neutral() -> None:
    """The likely slip: no image is lost, contempt faces teach neutral."""
    found = with_labels_of(FER_CLASSES, ADDED, "contempt_as_neutral")
    assert len(found) == len(ADDED)
    np.testing.assert_array_equal(np.array(FER_CLASSES)[found.labels], np.where(NAMES == "contempt", "neutral", NAMES))
    assert found.counts() == dict.fromkeys(FER_CLASSES, 3)


@given(st.sampled_from(sorted(POLICIES)), st.permutations(range(21)))
def test_rows_stay_together(policy: str, order: list[int]) -> None:
    """By name in any order of images and classes; who an image is from stays known."""
    turned = with_labels_of(FER_CLASSES, ADDED.take(np.array(order)), policy)
    straight = with_labels_of(FER_CLASSES, ADDED, policy)
    by_id = dict(zip(straight.ids, straight.labels, strict=True))
    assert [by_id[name] for name in turned.ids] == list(turned.labels)
    assert set(turned.ids) == set(straight.ids)
    assert set(turned.origins) == {"dcgan"}


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_fers_own_classes_stay_as_they_are(policy: str) -> None:
    faces = barred(2)
    found = with_labels_of(FER_CLASSES, faces, policy)
    assert found.digest() == faces.digest()


def test_every_policy_of_the_parameters_is_known() -> None:
    assert set(Arm.model_fields["labels"].annotation.__args__) == set(POLICIES)  # type: ignore[union-attr]


def test_adding_nothing() -> None:
    faces = barred(1)
    assert concatenate([faces, nothing(FER_FACES)], "train").digest() == faces.digest()


@given(st.lists(st.integers(0, 9), min_size=7, max_size=7), st.integers(0, 3))
def test_once_more(wanted: list[int], seed: int) -> None:
    """So many of each class, the same for the same seed, each image equally often to within one."""
    faces = barred(3)
    counts = dict(zip(FER_CLASSES, wanted, strict=True))
    found = again(faces, counts, seed)
    assert found.counts() == counts
    assert found.digest() == again(faces, counts, seed).digest()
    assert len(set(found.ids) | set(faces.ids)) == len(found) + len(faces)
    originals = [name.split("/", 2)[2] for name in found.ids]
    for label, n in enumerate(wanted):
        own = np.array(faces.ids)[faces.labels == label]
        times = [originals.count(name) for name in own]
        assert sum(times) == n
        assert max(times) - min(times) <= 1


@pytest.mark.parametrize(("per_class", "wanted"), [(None, 5), (0, 0), (2, 2), (9, 5)])
def test_the_first_images_of_each_class_are_taken_in_their_order(per_class: int | None, wanted: int) -> None:
    images = barred(5, classes=CKPLUS_CLASSES)
    part = first(images, per_class)
    assert part.counts() == dict.fromkeys(CKPLUS_CLASSES, wanted)
    assert list(part.ids) == [name for name in images.ids if name in set(part.ids)]
    for label in range(len(CKPLUS_CLASSES)):
        own = [i for i, wanted_label in zip(images.ids, images.labels, strict=True) if wanted_label == label]
        assert [i for i, has in zip(part.ids, part.labels, strict=True) if has == label] == own[:wanted]


def test_what_is_not_there_is_not_repeated() -> None:
    faces = barred(3)
    angry = faces.take(faces.labels == FER_CLASSES.index("angry"))
    with pytest.raises(UserError, match="no image of happy to repeat"):
        again(angry, {"happy": 1}, 0)


SEVEN = barred(40)


@given(st.integers(0, 9))
def test_shuffled_labels_are_the_same_labels_of_the_same_images(seed: int) -> None:
    found = shuffled(SEVEN, "labels", seed)
    assert found.counts() == SEVEN.counts()
    assert (found.ids, found.origins, found.subjects) == (SEVEN.ids, SEVEN.origins, SEVEN.subjects)
    np.testing.assert_array_equal(found.images, SEVEN.images)
    assert found.digest() == shuffled(SEVEN, "labels", seed).digest() != SEVEN.digest()


def test_shuffled_labels_say_nothing_of_the_image() -> None:
    """As often right as by chance, 1 in 7: over 400 orders, 16,000 labels a class, within five standard errors. Each
    class is dealt to each alike."""
    table = np.zeros((7, 7))
    for seed in range(400):
        np.add.at(table, (SEVEN.labels, shuffled(SEVEN, "labels", seed).labels), 1)
    share = table / table.sum(axis=1, keepdims=True)
    assert np.abs(share - 1 / 7).max() < 5 * np.sqrt(1 / 7 * 6 / 7 / 16_000)


def test_every_seed_shuffles_anew() -> None:
    for what in ("labels", "pixels"):
        assert len({shuffled(SEVEN, what, seed).digest() for seed in range(8)}) == 8


@given(st.integers(0, 9))
def test_shuffled_pixels_keep_each_images_grey_levels_and_label(seed: int) -> None:
    found = shuffled(SEVEN, "pixels", seed)
    assert (found.ids, found.images.dtype, found.images.shape) == (SEVEN.ids, np.uint8, SEVEN.images.shape)
    np.testing.assert_array_equal(found.labels, SEVEN.labels)
    before, after = (np.sort(images.images.reshape(len(images), -1), axis=1) for images in (SEVEN, found))
    np.testing.assert_array_equal(before, after)


def test_shuffled_pixels_are_noise() -> None:
    """Neighbours don't resemble each other any more, and no two images share an order."""
    ramp = np.tile(np.arange(48, dtype=np.uint8), (48, 1))
    faces = SEVEN.take(np.arange(20))
    faces = replace(faces, images=np.repeat(ramp[None], 20, axis=0))
    found = shuffled(faces, "pixels", 0).images.astype(float)
    assert len(np.unique(found.reshape(20, -1), axis=0)) == 20
    flat = found.reshape(20, -1)
    beside = np.corrcoef(found[:, :, 1:].ravel(), found[:, :, :-1].ravel())[0, 1]
    assert abs(beside) < 5 / np.sqrt(flat.size)
    between = np.corrcoef(flat)[np.triu_indices(20, 1)]
    assert np.abs(between).max() < 5 / np.sqrt(flat.shape[1])


def test_nothing_is_shuffled_where_nothing_is_asked() -> None:
    assert shuffled(SEVEN, "none", 3) is SEVEN
    assert len(shuffled(nothing(FER_FACES), "labels", 0)) == len(shuffled(nothing(FER_FACES), "pixels", 0)) == 0
