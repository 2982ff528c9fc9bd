"""Failing chaos tests get a second run, alone: real sessions of pytest on small files of tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from small import REPOSITORY

CONFTEST = """
import os
import second_chance

def pytest_configure(config):
    for name in ("chaos", "long"):
        config.addinivalue_line("markers", f"{name}: .")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(second_chance.SecondChance(), second_chance.NAME)
"""
FLICKERS = """
import pytest
from pathlib import Path

@pytest.fixture
def place():
    done = Path(__file__).with_suffix(".done")
    yield done
    done.touch()

@pytest.mark.chaos
def test_flickers(place):
    assert place.exists(), "the first run"
"""
FAILS = """
import pytest

@pytest.mark.long
def test_fails():
    with open(__file__ + ".runs", "a") as file:
        file.write("run ")
    assert not "of any use"
"""
BREAKS = """
import pytest
from pathlib import Path

@pytest.fixture
def broken():
    done = Path(__file__).with_suffix(".done")
    if not done.exists():
        done.touch()
        raise OSError("no room yet")

@pytest.mark.chaos
def test_needs_it(broken):
    pass
"""
ORDINARY = "def test_ordinary(): assert not 'right'"
PASSES = "def test_passes(): pass"


def session(folder: Path, *files: str, words: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run files of tests; returns the exit code and what was printed."""
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {REPOSITORY / 'tests' / 'support'}\n")
    (folder / "conftest.py").write_text(CONFTEST)
    for i, text in enumerate(files):
        (folder / f"test_{i}.py").write_text(text)
    # a session of its own, also where this one is a worker of xdist's
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=folder,
        env=outside | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # starts in a fraction of the time
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("words", [(), ("-p", "xdist", "--numprocesses", "2", "--dist", "loadfile")])
def test_what_passes_alone_is_no_failure_and_both_outcomes_are_printed(words: tuple[str, ...], tmp_path: Path) -> None:
    code, output = session(tmp_path, FLICKERS, PASSES, words=words)
    assert code == 0, output
    assert "AssertionError: the first run" in output
    assert "test_0.py::test_flickers: failed beside others, passed alone" in output
    last = output.strip().splitlines()[-1]
    assert "1 passed, 1 failed beside others, passed alone" in last


def test_a_fixture_that_fails_counts_too(tmp_path: Path) -> None:
    code, output = session(tmp_path, BREAKS)
    assert code == 0, output
    assert "no room yet" in output
    assert "test_0.py::test_needs_it: failed beside others, passed alone" in output


def test_what_fails_twice_is_a_failure_and_is_not_run_a_third_time(tmp_path: Path) -> None:
    code, output = session(tmp_path, FAILS, FLICKERS)
    assert code == 1, output
    assert "test_0.py::test_fails: failed beside others, failed alone" in output
    assert "test_1.py::test_flickers: failed beside others, passed alone" in output
    assert output.count("E       AssertionError: assert not 'of any use'") == 2
    assert (tmp_path / "test_0.py.runs").read_text() == "run run "
    assert "1 failed, 1 failed beside others, passed alone" in output.strip().splitlines()[-1]


def test_other_tests_get_no_second_run(tmp_path: Path) -> None:
    code, output = session(tmp_path, ORDINARY, FLICKERS)
    assert code == 1, output
    assert "test_ordinary: failed beside" not in output
    assert "test_flickers: failed beside others, passed alone" in output
