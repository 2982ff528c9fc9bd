"""The committed demo, rebuilt from nothing: every array is the recorded one, and git has nothing to say."""

from pathlib import Path

import pytest

from golden_demo import of_predictions, record
from processor import on_record
from small import REPOSITORY
from temporary import TemporaryProject

RECORD = on_record("demo.json")
DEMO = REPOSITORY / "reports" / "demo"


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
    published = {f"predictions/{p.stem}": of_predictions(p) for p in (DEMO / "predictions").glob("*.parquet")}
    assert clone.dirt() == "" or not published.items() <= RECORD.items()  # made on another maker's processor
