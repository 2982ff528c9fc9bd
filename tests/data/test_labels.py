"""Classes are mapped by name, never by number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES, standard_name, translate

NAMES = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")
classes = st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple)


def test_codes_of_the_challenge() -> None:
    """Goodfellow et al. 2015: 0 angry, 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise, 6 neutral."""
    assert dict(enumerate(FER_CLASSES)) == {
        0: "angry", 1: "disgust", 2: "fear", 3: "happy", 4: "sad", 5: "surprise", 6: "neutral",
    }  # fmt: skip


def test_ckplus_has_contempt_and_no_neutral() -> None:
    """So their seven classes aren't the same seven, though they are as many."""
    assert set(CKPLUS_CLASSES) ^ set(FER_CLASSES) == {"contempt", "neutral"}


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("anger", "angry"),
        ("Happiness", "happy"),
        (" sadness ", "sad"),
        ("SURPRISE", "surprise"),
        ("surprised", "surprise"),
        ("contempt", "contempt"),
        ("neutral", "neutral"),
        ("AN", "angry"),
        ("fea", "fear"),
        ("3_happy", "happy"),
        ("suprise", "surprise"),
        ("s", None),
        ("3", None),
        ("0", None),
        ("", None),
        ("train", None),
    ],
)
def test_names_of_folders(folder: str, name: str | None) -> None:
    assert standard_name(folder) == name


@given(classes, classes, st.data())
def test_translation_keeps_names(own: tuple[str, ...], target: tuple[str, ...], data: st.DataObject) -> None:
    labels = np.array(data.draw(st.lists(st.integers(0, len(own) - 1))), dtype=np.int64)
    for before, after in zip(labels, translate(labels, own, target), strict=True):
        assert own[before] == target[after] if own[before] in target else after == -1


@given(classes, st.randoms())
def test_there_and_back(own: tuple[str, ...], random: object) -> None:
    other = list(own)
    random.shuffle(other)  # type: ignore[attr-defined]
    labels = np.arange(len(own))
    np.testing.assert_array_equal(translate(translate(labels, own, other), other, own), labels)


def test_alphabetical_folders_are_not_the_codes() -> None:
    """With folders numbered by name, sad (5) would be shown as surprise (5) and neutral (4) as sad (4)."""
    alphabetical = tuple(sorted(FER_CLASSES))
    labels = np.arange(7)
    np.testing.assert_array_equal(translate(labels, alphabetical, FER_CLASSES), [0, 1, 2, 3, 6, 4, 5])
    assert translate(labels, CKPLUS_CLASSES, FER_CLASSES)[CKPLUS_CLASSES.index("contempt")] == -1
