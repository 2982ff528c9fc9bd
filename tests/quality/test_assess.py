"""The protocol, on sets whose quality is known because they were made so."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.params import load
from ferlab.quality.assess import ALL, REAL, assess, protocol
from small import REPOSITORY

SETTINGS = load(REPOSITORY / "params.yaml").quality.model_copy(
    update={"resamples": 40, "halves": 3, "ridge": 10.0, "neighbours": 3}
)
SUBJECTS, SEQUENCES, CLASSES = 16, 1, CKPLUS_CLASSES[:3]
Figures = dict[str, dict[str, dict[str, Any]]]


def features(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Means of 6x6 squares: 64 numbers."""
    return images.reshape(-1, 8, 6, 8, 6).mean(axis=(2, 4)).reshape(-1, 64)


def faces(subjects: int, seed: int, frames: int = 3) -> ImageSet:
    """Squares of a person's own greys, a bar that tells the class, and frames that hardly differ."""
    rng, images, labels, ids, names = np.random.default_rng(seed), [], [], [], []
    for subject in range(subjects):
        for label in range(len(CLASSES)):
            face = np.kron(rng.normal(110, 25, (8, 8)), np.ones((6, 6)))
            face[12 * label : 12 * label + 12] += 60
            for frame in range(frames):
                images.append(face + rng.normal(0, 3, (48, 48)))
                labels.append(label)
                ids.append(f"{CLASSES[label]}/S{subject:03d}_{label:03d}_{frame:08d}.png")
                names.append(f"S{subject:03d}")
    pixels = np.array(images).clip(0, 255).astype(np.uint8)
    return ImageSet(pixels, np.array(labels), CLASSES, tuple(ids), tuple(names), ("ckplus",) * len(ids), "all")


def made(images: list[NDArray[np.float64]], labels: NDArray[np.int64]) -> ImageSet:
    pixels, n = np.array(images).clip(0, 255).astype(np.uint8), len(labels)
    return ImageSet(pixels, labels, CLASSES, tuple(map(str, range(n))), ("",) * n, ("made",) * n, "synthetic")


@pytest.fixture(scope="module")
def judged() -> tuple[Figures, dict[str, NDArray[np.bool_]]]:
    real, rng = faces(SUBJECTS, 0), np.random.default_rng(1)
    labels = np.repeat(np.arange(len(CLASSES)), 40)
    good = faces(40, 5, frames=1)
    order = np.argsort(good.labels, kind="stable")
    one = [good.images[np.flatnonzero(good.labels == c)[0]].astype(float) for c in range(len(CLASSES))]
    sets = {
        "good": made(list(good.images[order].astype(float)), good.labels[order]),
        "collapsed": made([one[c] + rng.normal(0, 2, (48, 48)) for c in labels], labels),
        "copies": made([real.images[rng.choice(np.flatnonzero(real.labels == c))] for c in labels], labels),
        "mislabelled": made(list(good.images[order].astype(float)), np.roll(good.labels[order], 40)),
        "noise": made(list(rng.uniform(0, 255, (120, 48, 48))), labels),
    }
    return assess(sets, real, SETTINGS, features)


def value(figures: Figures, family: str, key: str, label: str = ALL) -> float:
    return float(figures[family][label][key]["value"])


def test_a_built_collapse_is_flagged(judged: tuple[Figures, Any]) -> None:
    """Almost the same face over and over; it covers next to nothing."""
    figures, _ = judged
    assert figures["collapsed"][ALL]["collapsed"] == list(CLASSES)
    for family in ("good", "copies", "noise", REAL):
        assert figures[family][ALL]["collapsed"] == []
    assert value(figures, "collapsed", "diversity") < 0.1
    assert value(figures, "collapsed", "recall") == 0
    assert value(figures, "collapsed", "label_consistency") == 1


def test_copies_are_counted_and_pointed_at(judged: tuple[Figures, Any]) -> None:
    figures, copies = judged
    assert figures["copies"][ALL]["copies"] == 120
    assert copies["copies"].all()
    for family in ("good", "collapsed", "noise"):
        assert figures[family][ALL]["copies"] == 0
        assert not copies[family].any()
    assert REAL not in copies


def test_real_faces_against_real_faces_are_best(judged: tuple[Figures, Any]) -> None:
    """Against halves by subject; new faces of the same kind come near, all that is wrong lies further off."""
    figures, _ = judged
    for wrong in ("collapsed", "noise", "mislabelled"):
        for key in ("kid", "fid"):
            assert value(figures, REAL, key) < value(figures, wrong, key)
            assert value(figures, "good", key) < value(figures, wrong, key)
    for wrong in ("collapsed", "noise"):
        assert value(figures, REAL, "coverage") > value(figures, wrong, "coverage")
    assert value(figures, REAL, "label_consistency") > 0.9
    assert value(figures, REAL, "cas") > 0.9
    assert figures[REAL][CLASSES[0]]["nearest_real"] is None


def test_faces_of_another_emotion_are_found_out(judged: tuple[Figures, Any]) -> None:
    figures, _ = judged
    for key in ("label_consistency", "cas"):
        assert value(figures, "good", key) > 0.9
        assert value(figures, "mislabelled", key) < 0.1


def test_unbiased_where_it_says_so(judged: tuple[Figures, Any]) -> None:
    """KID of real halves and of new faces of the same kind is about 0: no larger than its own interval."""
    figures, _ = judged
    for family in (REAL, "good"):
        one = figures[family][ALL]["kid"]
        assert abs(one["value"]) < 0.15 * value(figures, "noise", "kid")
    assert value(figures, "copies", "diversity") == pytest.approx(1, abs=0.15)


def test_every_figure_lies_in_its_interval(judged: tuple[Figures, Any]) -> None:
    figures, _ = judged
    for family in figures.values():
        assert set(family) == {*CLASSES, ALL}
        for one in family.values():
            assert {"diversity", "kid", "fid", "precision", "recall", "density", "coverage", "cas"} < set(one)
            for figure in (item for item in one.values() if isinstance(item, dict)):
                assert figure["low"] <= figure["value"] <= figure["high"]
    kid = figures["good"][CLASSES[0]]["kid"]
    assert kid["low"] < kid["high"]


def test_the_same_again(judged: tuple[Figures, Any]) -> None:
    real = faces(6, 0)
    small = SETTINGS.model_copy(update={"resamples": 20})
    sets = {"good": faces(9, 5, frames=1)}
    once, again = (assess(sets, real, small, features)[0] for _ in range(2))
    assert once == again
    other = assess(sets, real, small.model_copy(update={"seed": 1}), features)[0]
    assert other != once


def test_one_sequence_a_class_leaves_figures_undefined() -> None:
    """Nothing to halve: null, not an error and not a number."""
    figures, _ = assess({"good": faces(4, 1, frames=1)}, faces(1, 0), SETTINGS, features)
    assert figures["good"][ALL]["kid"] is None
    assert figures["good"][ALL]["diversity"] is None
    assert figures["good"][ALL]["copies"] == 0


def test_the_protocol_names_its_settings() -> None:
    assert protocol(SETTINGS)["settings"]["resamples"] == 40
