"""The committed demo, rebuilt from nothing: every array is the recorded one, and git has nothing to say."""

import json
from pathlib import Path

import pytest

from golden_demo import record
from small import REPOSITORY
from temporary import TemporaryProject

RECORD = json.loads((Path(__file__).parent / "demo.json").read_text())


@pytest.mark.long  # the whole demo: six minutes of two idle cores
def test_a_clean_clone_rebuilds_the_committed_demo_bit_for_bit(tmp_path: Path) -> None:
    clone = TemporaryProject(tmp_path / "clone")
    clone.root.mkdir()
    clone.run("git", "clone", "--quiet", str(REPOSITORY), ".")
    clone.ferlab("data", "demo", "--if-missing")
    clone.run("ferlab", "--quiet", "reproduce", "--jobs", "2", timeout=3600)
    found = record(clone.root)
    assert [name for name in RECORD if found.get(name) != RECORD[name]] == []
    assert found.keys() == RECORD.keys()
    assert clone.dirt() == ""
