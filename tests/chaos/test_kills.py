"""Real processes are killed at seeded moments; what comes out is as if nothing had happened."""

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from temporary import TemporaryProject, stop

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(5400)]

LONGER = {
    "gan": {"families": {"dcgan": {"epochs": 60}}},
    "classifiers": {"resnet50": {"epochs": 12}},
    "run": {"arms": {"resnet50-dcgan": "dcgan"}},
    "runtime": {"checkpoint_seconds": 0},  # kills then fall into writes too
}
GAN, TARGET = "gan@dcgan-0", "evaluate@resnet50-dcgan-0"
SPEED = "images_per_second"
METRICS = "FROM metrics m JOIN tags t USING (run_uuid) WHERE t.key = 'ferlab.identity'"
PATIENCE = 900  # seconds until a process must have come so far, on a busy machine


@pytest.fixture(scope="module")
def longer(tiny_archives: Path, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """The longer project before anything has run. Read-only."""
    return TemporaryProject.create(tmp_path_factory.mktemp("longer") / "project", tiny_archives, LONGER)


@pytest.fixture(scope="module")
def mixed(longer: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """The same with all done but training and evaluation. Read-only."""
    project = longer.copy(tmp_path_factory.mktemp("mixed") / "project")
    project.repro("mix@resnet50-dcgan")
    return project


@pytest.fixture(scope="module")
def untroubled(mixed: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """The same run to its end, never interrupted. Read-only."""
    project = mixed.copy(tmp_path_factory.mktemp("untroubled") / "project")
    project.repro(TARGET)
    return project


@pytest.fixture
def project(longer: TemporaryProject, tmp_path: Path) -> TemporaryProject:
    """The longer project before anything has run, to be changed."""
    return longer.copy(tmp_path / "project")


def child(dvc: "subprocess.Popen[bytes]", stage: str) -> psutil.Process | None:
    """The process of a stage below dvc, if it is that stage's turn."""
    try:
        for process in psutil.Process(dvc.pid).children(recursive=True):
            words = process.cmdline()
            if words[2:4] == ["stage", stage]:
                return process
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        pass
    return None


def wait_for_training(
    project: TemporaryProject, dvc: "subprocess.Popen[bytes]", stage: str, writes: int = 1
) -> psutil.Process | None:
    """Wait until the stage has been seen to write so many checkpoints of its own; None if dvc ended before."""
    deadline, before, process = time.monotonic() + PATIENCE, None, None
    while dvc.poll() is None:
        assert time.monotonic() < deadline, f"{stage} hasn't trained so far"
        process = process if process and process.is_running() else child(dvc, stage)
        now = project.written("state.safetensors")
        if process is not None and now != before:
            writes -= 1
        if writes == 0:
            return process
        before = now
        time.sleep(0.002)
    return None


def kill_both(dvc: "subprocess.Popen[bytes]", process: psutil.Process) -> None:
    os.killpg(dvc.pid, signal.SIGKILL)


def kill_stage(dvc: "subprocess.Popen[bytes]", process: psutil.Process) -> None:
    process.kill()


def press_ctrl_c(dvc: "subprocess.Popen[bytes]", process: psutil.Process) -> None:
    os.killpg(dvc.pid, signal.SIGINT)


def end_stage(dvc: "subprocess.Popen[bytes]", process: psutil.Process) -> None:
    process.terminate()


Attack = Callable[["subprocess.Popen[bytes]", psutil.Process], None]
KINDS: list[Attack] = [kill_both, press_ctrl_c, kill_stage, end_stage]


def attack(project: TemporaryProject, stage: str, how: Attack, writes: int = 1, late: float = 0) -> bool:
    """Start `dvc repro`, strike `late` seconds after the stage's so manieth checkpoint. Whether it was hit."""
    dvc = project.start("dvc", "repro", TARGET)
    try:
        process = wait_for_training(project, dvc, stage, writes)
        if process is None:
            return False
        time.sleep(late)  # any moment between two writes will do
        hit = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        if hit:
            how(dvc, process)
        dvc.wait(PATIENCE)
        process.wait(PATIENCE)
        return hit
    except psutil.NoSuchProcess:
        return True
    finally:
        stop(dvc)


def check_as_if_nothing_had_happened(project: TemporaryProject, untroubled: TemporaryProject) -> None:
    assert project.locked() == untroubled.locked()
    assert contents(project) == contents(untroubled)
    leftovers = [path for folder in ("work", "reports") for path in (project.root / folder).rglob(".*")]
    assert leftovers == []
    identities = project.query("SELECT value FROM tags WHERE key = 'ferlab.identity'")
    assert len(identities) == len(set(identities))
    same = "SELECT t.value, r.status FROM runs r JOIN tags t USING (run_uuid) WHERE t.key = 'ferlab.identity'"
    assert sorted(project.query(same)) == sorted(untroubled.query(same))
    assert {status for _, status in project.query(same)} == {"FINISHED"}
    assert metrics(project) == metrics(untroubled)
    places = [place for place in project.query(f"SELECT t.value, m.key, m.step {METRICS}") if place[1] == SPEED]
    assert len(places) == len(set(places)), "a speed was logged twice for one step"


def metrics(project: TemporaryProject) -> Counter[tuple[str, str, int, float]]:
    """(identity, metric, step, value), each as often as it was logged, but for the speed, which is measured."""
    return Counter(row for row in project.query(f"SELECT t.value, m.key, m.step, m.value {METRICS}") if row[1] != SPEED)


def contents(project: TemporaryProject) -> dict[str, bytes]:
    files = (path for folder in ("work", "reports") for path in (project.root / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(project.root)): path.read_bytes() for path in files if path.name != "ledger.jsonl"}


@pytest.mark.parametrize("rounds", [1, pytest.param(4, marks=pytest.mark.long)])
@pytest.mark.parametrize("stage", ["gan", "train"])
def test_kills_at_any_moment_change_nothing(
    stage: str,
    rounds: int,
    longer: TemporaryProject,
    mixed: TemporaryProject,
    untroubled: TemporaryProject,
    chance: random.Random,
    tmp_path: Path,
) -> None:
    """Each kind of kill once a round, in any order, after any of the next few checkpoints."""
    project = {"gan": longer, "train": mixed}[stage].copy(tmp_path / "project")
    attacks = [how for _ in range(rounds) for how in chance.sample(KINDS, len(KINDS))]
    hits = [attack(project, stage, how, chance.randint(1, 3), chance.uniform(0, 0.1)) for how in attacks]
    assert sum(hits) >= len(attacks) - 1, f"the stage ended before it could be killed often enough: {hits}"
    output = project.repro(TARGET)
    assert "going on from the checkpoint" in output
    check_as_if_nothing_had_happened(project, untroubled)


def test_a_kill_while_the_outs_are_written_leaves_nothing_behind(
    project: TemporaryProject, untroubled: TemporaryProject
) -> None:
    dvc = project.start("dvc", "repro", TARGET)
    try:
        deadline = time.monotonic() + PATIENCE
        while not list((project.root / "work" / "gan").rglob(".*.part")):
            assert dvc.poll() is None, "the outs were written unseen"
            assert time.monotonic() < deadline
            time.sleep(0.0005)
    finally:
        stop(dvc)
    assert list((project.root / "work" / "gan").rglob(".*.part")), "killed too late to test anything"
    project.repro(TARGET)
    check_as_if_nothing_had_happened(project, untroubled)


def test_while_a_killed_dvc_leaves_its_child_at_work_a_second_one_refuses(project: TemporaryProject) -> None:
    """It names the process; once that is gone, all goes on."""
    dvc = project.start("dvc", "repro", GAN)
    try:
        process = wait_for_training(project, dvc, "gan")
        assert process
        dvc.kill()
        dvc.wait()
        assert process.is_running()
        output = project.repro(GAN, code=255)
        assert process.is_running(), "the child ended before the second start: nothing was tested"
        assert re.search(
            rf"process {process.pid} is still at work on gan-dcgan-0 \(.*ferlab stage gan dcgan 0\)", output
        )
        assert f"kill {process.pid}" in output
        assert "Traceback" not in output
    finally:
        stop(dvc)
    assert "going on from the checkpoint" in project.repro(GAN)


def test_a_change_after_a_kill_starts_afresh_and_says_what_changed(project: TemporaryProject) -> None:
    """Never on from a stale checkpoint; the old run is marked KILLED, the new one is another."""
    assert attack(project, "gan", kill_both)
    project.change({"gan": {"families": {"dcgan": {"epochs": 1, "lr": 5.0e-4}}}})
    output = project.repro(GAN)
    assert "starting afresh, because this changed: " in output
    assert "parameter gan.families.dcgan.lr 0.001 -> 0.0005" in output
    assert "going on" not in output
    first = "SELECT r.status FROM runs r WHERE r.name = 'dcgan-0-angry' ORDER BY r.start_time"
    assert project.query(first) == [("KILLED",), ("FINISHED",)]
