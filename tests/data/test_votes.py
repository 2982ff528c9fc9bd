"""Votes stay with their images, whatever is taken, joined, renumbered or stored; sets without are as before."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferlab.data.images import ImageSet, concatenate, of_classes, votes_of
from ferlab.data.labels import FER_CLASSES
from ferlab.data.splits import hold_out, three_splits
from ferlab.data.votes import certain, for_classes
from ferlab.errors import UserError
from ferlab.files import content_hash
from ferlab.synthesis.mix import again, shuffled, with_labels_of
from small import barred

EIGHT = (*FER_CLASSES, "contempt")
# of barred(2), by the version that knew no votes
RECORDED_DIGEST = "919bffb1408a748601b064d8d01179fc48f310de4d335335879f5684ed79b5d3"
RECORDED_HASH = "2592622620a61315cb0d8842a88426d29610f61ea1c5274649099aeac4af5c22"


def voted(per_class: int = 3, classes: tuple[str, ...] = FER_CLASSES, seed: int = 0) -> ImageSet:
    """Every image has votes of its own, most of them for its label."""
    images = barred(per_class, seed=seed, classes=classes)
    others = np.random.default_rng(seed).dirichlet(np.ones(len(classes)), len(images))
    votes = 0.6 * certain(images.labels, len(classes)) + 0.4 * others.astype(np.float32)
    return replace(images, votes=votes.astype(np.float32))


def by_id(images: ImageSet) -> dict[str, list[float]]:
    assert images.votes is not None
    return dict(zip((name.rpartition("again/1/")[2] for name in images.ids), images.votes.tolist(), strict=True))


def test_they_come_back_from_disk(tmp_path: Path) -> None:
    images = voted()
    images.save(tmp_path / "set")
    back = ImageSet.open(tmp_path / "set")
    assert by_id(back) == by_id(images)
    assert back.digest() == images.digest()


@pytest.mark.parametrize("part", ["taken", "held out", "tenths", "again", "labels dealt out", "pixels shuffled"])
def test_rows_stay_together(part: str) -> None:
    images = voted(20)
    known = by_id(images)
    if part == "labels dealt out":  # they are votes for the label: both go to another image
        dealt = shuffled(images, "labels", 0)
        assert dealt.votes is not None
        assert not np.array_equal(dealt.votes, images.votes)
        assert dealt.votes.argmax(axis=1).tolist() == dealt.labels.tolist()
        assert dealt.labels.tolist() == shuffled(replace(images, votes=None), "labels", 0).labels.tolist()
        return
    for one in {
        "taken": lambda: [images.take(np.array([5, 0, 5])), images.take(images.labels == 2)],
        "held out": lambda: [images.take(rows) for rows in hold_out(images, 0.3)],
        "tenths": lambda: three_splits({"all": images}).values(),
        "again": lambda: [again(images, {"happy": 4, "sad": 2}, 0)],
        "pixels shuffled": lambda: [shuffled(images, "pixels", 0)],
    }[part]():
        assert one.votes is not None
        assert all(known[name] == row for name, row in by_id(one).items())


def test_images_without_votes_count_as_certain() -> None:
    real, added = voted(1), barred(1, seed=1, origin="dcgan")
    both = concatenate([real, added], "train")
    assert both.votes is not None
    np.testing.assert_array_equal(both.votes[:7], real.votes)
    np.testing.assert_array_equal(both.votes[7:], np.eye(7, dtype=np.float32)[added.labels])
    assert concatenate([added, added.take(np.arange(3))], "train").votes is None
    np.testing.assert_array_equal(votes_of(added), both.votes[7:])


@settings(deadline=None, max_examples=40)
@given(st.permutations(range(8)), st.integers(2, 8), st.integers(0, 99))
def test_other_classes_get_the_votes_of_their_names(order: list[int], kept: int, seed: int) -> None:
    images, classes = voted(1, EIGHT, seed), tuple(EIGHT[i] for i in order[:kept])
    found = of_classes(images, classes)
    assert found.votes is not None
    assert images.votes is not None
    for row, name in enumerate(found.ids):
        before = images.votes[images.ids.index(name)].astype(float)
        wanted = np.array([before[EIGHT.index(one)] for one in classes])
        np.testing.assert_allclose(found.votes[row], wanted / wanted.sum(), rtol=1e-5)
        assert classes[found.labels[row]] == EIGHT[images.labels[images.ids.index(name)]]


def test_contempt_called_neutral_gives_its_votes_to_neutral() -> None:
    images = voted(2, EIGHT)
    kept = with_labels_of(FER_CLASSES, images, "contempt_as_neutral")
    assert images.votes is not None
    assert kept.votes is not None
    assert len(kept) == 16
    np.testing.assert_allclose(kept.votes[:, 6], images.votes[:, 6] + images.votes[:, 7], rtol=1e-5)


def test_an_image_with_no_vote_left_is_certain_of_its_label() -> None:
    votes = np.array([[1, 0, 0], [0, 0.5, 0.5]], np.float32)
    found = for_classes(votes, ("a", "b", "c"), ("c", "b"), np.array([1, 0]))
    np.testing.assert_array_equal(found, np.array([[0, 1], [0.5, 0.5]], np.float32))


def test_a_set_without_votes_is_what_it_was(tmp_path: Path) -> None:
    """The same files and the same hash; its votes are no part of them, not even as nothing."""
    images = barred(2)
    images.save(tmp_path / "plain")
    assert sorted(path.name for path in (tmp_path / "plain").iterdir()) == ["images.npy", "labels.npy", "meta.json"]
    assert set(json.loads((tmp_path / "plain" / "meta.json").read_text())) == {
        "classes", "split", "ids", "subjects", "origins"
    }  # fmt: skip
    assert images.digest() == RECORDED_DIGEST
    assert content_hash(tmp_path / "plain") == RECORDED_HASH


def test_votes_are_part_of_the_content(tmp_path: Path) -> None:
    images = voted(1)
    assert images.votes is not None
    other = replace(images, votes=np.roll(images.votes, 1, axis=1))
    assert len({one.digest() for one in (images, other, replace(images, votes=None))}) == 3
    for name, one in (("a", images), ("b", other), ("c", images)):
        one.save(tmp_path / name)
    assert content_hash(tmp_path / "a") == content_hash(tmp_path / "c") != content_hash(tmp_path / "b")


BAD = {
    "of another number of images": (np.full((6, 7), 1 / 7, np.float32), r"\(6, 7\), not float32 \(7, 7\)"),
    "of another number of classes": (np.full((7, 8), 1 / 8, np.float32), r"\(7, 8\), not float32 \(7, 7\)"),
    "of another type": (np.full((7, 7), 1 / 7), "float64"),
    "all zero": (np.diag([1, 1, 1, 0, 1, 1, 1]).astype(np.float32), "row 3 sums to 0"),
    "counts": (np.full((7, 7), 10, np.float32), "row 0 sums to 70"),
    "negative": (
        np.eye(7, dtype=np.float32) * 2 - np.roll(np.eye(7, dtype=np.float32), 1, axis=1),
        "row 0 has a share",
    ),
    "no numbers": (np.full((7, 7), np.nan, np.float32), "row 0 has a share"),
}


@pytest.mark.parametrize(("votes", "what"), BAD.values(), ids=BAD)
def test_votes_that_can_not_be_right(votes: np.ndarray, what: str, tmp_path: Path) -> None:
    """As a reader of somebody's own brings them, and as a damaged file has them."""
    with pytest.raises(UserError, match=what) as caught:
        replace(barred(1), votes=votes)
    assert "train" in caught.value.where
    voted(1).save(tmp_path / "set")
    np.save(tmp_path / "set" / "votes.npy", votes)
    with pytest.raises(UserError, match=f"no readable set of images: votes.npy: .*{what}") as caught:
        ImageSet.open(tmp_path / "set")
    assert caught.value.where == str(tmp_path / "set")


def test_votes_that_are_gone(tmp_path: Path) -> None:
    voted(1).save(tmp_path / "set")
    (tmp_path / "set" / "votes.npy").unlink()
    with pytest.raises(UserError, match=r"votes\.npy"):
        ImageSet.open(tmp_path / "set")
