"""Which GANs of a family are trained side by side."""

import pytest

from ferlab.execution.labels import labels_apart
from ferlab.params import load
from ferlab.params.data import Data
from small import REPOSITORY

OFFICE = {"form": "folder", "sha256": "0" * 64, "classes": ["calm", "tense", "neither"]}
DATA = load(REPOSITORY / "params.yaml").data
OWN = Data.model_validate(DATA.model_dump() | {"sets": {"office": OFFICE}, "gans": "office"})
DCGAN = ("ferlab", "stage", "gan", "dcgan", "0")


def test_each_class_of_the_set_that_gans_learn_from_has_its_own() -> None:
    """Whatever the classes are called, and however many there are."""
    assert labels_apart(2, OWN)(DCGAN, 3000.0) == {label: (*DCGAN, "--label", label) for label in OFFICE["classes"]}


@pytest.mark.parametrize(
    ("jobs", "words", "seconds"),
    [
        (1, DCGAN, 3000.0),  # nothing is side by side
        (2, DCGAN, 10.0),  # two starts of a process would take longer
        (2, ("ferlab", "stage", "gan", "cgan", "0"), 3000.0),  # one GAN makes all classes
        (2, ("ferlab", "stage", "train", "svm", "0"), 3000.0),
    ],
)
def test_what_stays_whole(jobs: int, words: tuple[str, ...], seconds: float) -> None:
    assert labels_apart(jobs, OWN)(words, seconds) == {}
