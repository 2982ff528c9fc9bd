"""The page that a tier's last outcome is kept on: a real session of pytest on a small file of tests."""

import os
import subprocess
import sys
from pathlib import Path

from small import REPOSITORY

CONFTEST = """
from pathlib import Path
from kept_result import KeptResult

def pytest_configure(config):
    config.pluginmanager.register(KeptResult(Path("docs/page.md"), "7"))
"""
TESTS = """
import pytest

def test_right(record_property): record_property("kept", "| a | table |\\n")
def test_wrong(): assert not "right"
@pytest.mark.skip(reason="it may be")
def test_absent(): pass
"""


def run(folder: Path, *words: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PYTEST_"))}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def test_it_says_when_of_what_and_how(tmp_path: Path) -> None:
    support = REPOSITORY / "tests" / "support"
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {support}\naddopts = -p no:cacheprovider\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / ".gitignore").write_text("__pycache__\n")
    (tmp_path / "docs").mkdir()
    me = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for words in (("init", "--quiet"), ("add", "--all"), (*me, "commit", "--quiet", "--message", "Start")):
        run(tmp_path, "git", *words)
    head, page = run(tmp_path, "git", "rev-parse", "HEAD").strip(), tmp_path / "docs" / "page.md"
    for _ in range(2):  # the page itself makes no change of the commit
        run(tmp_path, sys.executable, "-m", "pytest")
        lines = page.read_text().splitlines()
        assert f"| commit | {head} |" in lines
    assert "| seed of the kills | 7 |" in lines
    (outcome,) = (line for line in lines if line.startswith("| outcome |"))
    assert {part.strip() for part in outcome.split("|")[2].split(",")} == {"1 failed", "1 passed", "1 skipped"}
    assert lines[-5:] == ["- failed: `test_it.py::test_wrong`", "", "## test_it.py::test_right", "", "| a | table |"]
    (tmp_path / "test_it.py").write_text("")
    run(tmp_path, sys.executable, "-m", "pytest")
    assert f"| commit | {head}, with uncommitted changes |" in page.read_text()
    assert "| outcome | no test ran |" in page.read_text()
