"""Label policies: what becomes of contempt, which FER-2013 has not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlab.data.images import concatenate, nothing
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.params import Arm
from ferlab.synthesis.mix import POLICIES, again, first, with_fer_labels
from small import barred

ADDED = barred(3, split="all", classes=CKPLUS_CLASSES, origin="dcgan")
NAMES = np.array(CKPLUS_CLASSES)[ADDED.labels]


def test_contempt_is_dropped() -> None:
    found = with_fer_labels(ADDED, "drop_contempt")
    kept = np.flatnonzero(NAMES != "contempt")
    assert found.classes == FER_CLASSES
    assert found.ids == tuple(ADDED.ids[i] for i in kept)
    np.testing.assert_array_equal(np.array(FER_CLASSES)[found.labels], NAMES[kept])
    np.testing.assert_array_equal(found.images, ADDED.images[kept])
    assert found.counts() == dict.fromkeys(FER_CLASSES, 3) | {"neutral": 0}


def test_contempt_becomes_neutral() -> None:
    """The likely slip: no image is lost, contempt faces teach neutral."""
    found = with_fer_labels(ADDED, "contempt_as_neutral")
    assert len(found) == len(ADDED)
    np.testing.assert_array_equal(np.array(FER_CLASSES)[found.labels], np.where(NAMES == "contempt", "neutral", NAMES))
    assert found.counts() == dict.fromkeys(FER_CLASSES, 3)


@given(st.sampled_from(sorted(POLICIES)), st.permutations(range(21)))
def test_rows_stay_together(policy: str, order: list[int]) -> None:
    """By name in any order of images and classes; who an image is from stays known."""
    turned = with_fer_labels(ADDED.take(np.array(order)), policy)
    straight = with_fer_labels(ADDED, policy)
    by_id = dict(zip(straight.ids, straight.labels, strict=True))
    assert [by_id[name] for name in turned.ids] == list(turned.labels)
    assert set(turned.ids) == set(straight.ids)
    assert set(turned.origins) == {"dcgan"}


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_fers_own_classes_stay_as_they_are(policy: str) -> None:
    faces = barred(2)
    found = with_fer_labels(faces, policy)
    assert found.digest() == faces.digest()


def test_every_policy_of_the_parameters_is_known() -> None:
    assert set(Arm.model_fields["labels"].annotation.__args__) == set(POLICIES)  # type: ignore[union-attr]


def test_adding_nothing() -> None:
    faces = barred(1)
    assert concatenate([faces, nothing()], "train").digest() == faces.digest()


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
