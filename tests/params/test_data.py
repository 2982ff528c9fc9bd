"""What of a section `data` results rest on, of this version and of earlier ones."""

from typing import Any

import pytest

from ferlab.params.data import archives, rests_on

EARLIER: dict[str, Any] = {"kind": "real", "allow_demo": False, "fer2013": "a" * 64, "ckplus": "b" * 64}
NOW = EARLIER | {"sets": {}, "train": "fer2013", "gans": "ckplus", "side": 48}
MOODS = {"form": "folder", "sha256": "c" * 64, "classes": ["calm", "cross"]}
OWN = NOW | {"fer2013": None, "ckplus": None, "sets": {"moods": MOODS}, "train": "moods", "gans": "moods"}


def test_an_earlier_ledgers_line_is_of_the_same_data() -> None:
    assert rests_on(EARLIER) == rests_on(NOW)
    assert archives(OWN) == {"moods": "c" * 64}


@pytest.mark.parametrize("whole", [NOW, OWN], ids=["the paper's", "own"])
def test_a_set_that_nobody_learns_from_is_no_other_data(whole: dict[str, Any]) -> None:
    further = {**whole["sets"], "laboratory": MOODS | {"sha256": "d" * 64}}
    assert rests_on(whole | {"sets": further, "allow_demo": True}) == rests_on(whole)


@pytest.mark.parametrize(
    "changed",
    [{"kind": "demo"}, {"side": 32}, {"fer2013": "d" * 64}, {"ckplus": "d" * 64}, {"sets": {"m": MOODS}, "gans": "m"}],
)
def test_what_can_change_a_number_is_other_data(changed: dict[str, Any]) -> None:
    assert rests_on(NOW | changed) != rests_on(NOW)
