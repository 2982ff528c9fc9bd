"""What of a section `data` results rest on, of this version and of earlier ones."""

import json
import re
from typing import Any

import pytest

from ferlab.errors import UserError
from ferlab.params import check
from ferlab.params.data import archives, rests_on
from ferlab.params.migration import migrated
from ferlab.yaml_file import read_value, read_yaml
from small import REPOSITORY

EARLIER: dict[str, Any] = {"kind": "real", "allow_demo": False, "fer2013": "a" * 64, "ckplus": "b" * 64}
NOW = EARLIER | {"sets": {}, "train": "fer2013", "gans": "ckplus", "side": 48, "channels": 1}
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
    [
        {"kind": "demo"},
        {"side": 32},
        {"channels": 3},
        {"fer2013": "d" * 64},
        {"ckplus": "d" * 64},
        {"sets": {"m": MOODS}, "gans": "m"},
    ],
)
def test_what_can_change_a_number_is_other_data(changed: dict[str, Any]) -> None:
    assert rests_on(NOW | changed) != rests_on(NOW)


@pytest.fixture(scope="module")
def tree() -> Any:
    return read_yaml(REPOSITORY / "params.yaml")


@pytest.mark.parametrize("channels", [0, 2, "RGB", None])
def test_channels_are_one_or_three(tree: Any, channels: Any) -> None:
    with pytest.raises(UserError, match=r"data\.channels: .* is not allowed: input should be 1 or 3"):
        check({**tree, "data": {**tree["data"], "channels": channels}}, "params.yaml")


def test_params_of_an_earlier_version_are_told_what_to_write_and_a_published_report_is_of_grey_faces(tree: Any) -> None:
    """Of every key that 0.2.0 didn't have, in all the rows that want it."""
    text = (REPOSITORY / "params.yaml").read_text()
    earlier_text, added = re.subn(r"^(  channels| *targets): .*\n", "", text, flags=re.MULTILINE)
    earlier = read_value(earlier_text, "params.yaml")
    with pytest.raises(UserError) as caught:
        check(earlier, "params.yaml")
    said = caught.value.what.splitlines()
    assert "data.channels: missing key; write 1 for grey faces, as they were" in said[0]
    assert len(said) == added > 2
    advised = "targets: missing key; write majority, to learn the label as before there was a choice"
    assert all(line.startswith("classifiers.") and line.endswith(advised) for line in said[1:])
    assert check(migrated(json.loads(json.dumps(earlier))), "params.yaml") == check(tree, "params.yaml")
