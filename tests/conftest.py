"""Temporary projects for every test that needs a real one."""

from ferlab.training.instructions import limit

limit("avx2")  # as params.yaml has it; before anything imports NumPy

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from filelock import FileLock

import second_chance
from ferlab.datasets.demo import write_demo
from kept_result import KeptResult
from temporary import TemporaryProject, take_handful

hypothesis.settings.register_profile("no clock", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("no clock")

SEED = os.environ.get("FERLAB_CHAOS_SEED", "0")
"""What chooses the moments of kills."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--keep-result", type=Path, metavar="FILE", help="write how the session ended to a page")


def pytest_configure(config: pytest.Config) -> None:
    """A shell's background job ignores Ctrl-C, and so would every process that tests press it on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(second_chance.SecondChance(), second_chance.NAME)
        if config.getoption("keep_result"):
            config.pluginmanager.register(KeptResult(config.getoption("keep_result"), SEED))


def pytest_report_header() -> str:
    return f"seed of the kills: {SEED} (FERLAB_CHAOS_SEED)"


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Chooses moments. The same in every run of a test with the same seed."""
    return random.Random(f"{SEED} {request.node.nodeid}")


@pytest.fixture(scope="session")
def demo_archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's two archives. Read-only."""
    folder = tmp_path_factory.mktemp("demo-archives")
    write_demo(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_archives(demo_archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two archives of a few images a class. Read-only."""
    folder = tmp_path_factory.mktemp("tiny-archives")
    take_handful(demo_archives, folder)
    return folder


@pytest.fixture(scope="session")
def untouched(tiny_archives: Path, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """A tiny project in which nothing has run yet. Read-only."""
    return TemporaryProject.create(tmp_path_factory.mktemp("untouched") / "project", tiny_archives)


@pytest.fixture(scope="session")
def finished(untouched: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """A tiny project after one whole `dvc repro`, committed. Read-only: tests that change it take a copy.

    Made once for all of pytest's processes.
    """
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    place.mkdir(exist_ok=True)
    ready = place / "ready"
    with FileLock(place / "lock"):
        if not ready.exists():
            project = untouched.copy(place / "project")
            project.beside("repro.txt").write_text(project.repro())
            project.commit("Results")
            ready.touch()
    return TemporaryProject(place / "project")


@pytest.fixture
def fresh(untouched: TemporaryProject, tmp_path: Path) -> TemporaryProject:
    """A copy of the project in which nothing has run yet, to be changed."""
    return untouched.copy(tmp_path / "project")


@pytest.fixture
def done(finished: TemporaryProject, tmp_path: Path) -> TemporaryProject:
    """A copy of the finished project, to be changed."""
    return finished.copy(tmp_path / "project")


@pytest.fixture
def make_project(tiny_archives: Path, tmp_path: Path) -> Callable[..., TemporaryProject]:
    """Makes a tiny project with other values of params.yaml."""

    def make(name: str = "project", changes: dict[str, Any] | None = None) -> TemporaryProject:
        return TemporaryProject.create(tmp_path / name, tiny_archives, changes)

    return make
