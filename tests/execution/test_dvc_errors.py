"""DVC's errors and locks in our words: real files, real locks."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ferlab.errors import UserError
from ferlab.execution import dvc_errors
from ferlab.execution.dvc import due_tasks
from ferlab.execution.dvc_errors import explain, lock_holder
from ferlab.execution.locks import started_by
from ferlab.project import Project
from temporary import TemporaryProject

CONFLICT = "schema: '2.0'\nstages:\n<<<<<<< HEAD\n  a: {cmd: one}\n=======\n  a: {cmd: two}\n>>>>>>> theirs\n"


@pytest.fixture
def project(untouched: TemporaryProject, tmp_path: Path) -> TemporaryProject:
    return untouched.copy(tmp_path / "project")


def refused(project: TemporaryProject) -> UserError:
    with pytest.raises(UserError) as caught:
        due_tasks(Project(project.root), lambda _: 0.0, lambda *_: {}, threads=1)
    return caught.value


def test_both_sides_of_a_merge_are_named_with_the_way_out(project: TemporaryProject) -> None:
    (project.root / "dvc.lock").write_text(CONFLICT)
    output = project.ferlab("reproduce", code=2)
    assert "dvc.lock holds both sides of a merge, from line 3 on" in output
    assert "git checkout --ours dvc.lock" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("dvc.lock", "schema: '2.0'\nstages: [", "dvc.lock"),
        ("dvc.lock", "schema: '2.0'\nstages: 3\n", "dvc.lock"),
        ("dvc.yaml", "stages:\n  a: {cmd: '${no.such}'}\n", "no.such"),
        ("dvc.yaml", "stages:\n  a: {cmd: x, deps: [b], outs: [b]}\n", "b"),
        ("data.dvc", "outs: 3\n", "data.dvc"),
        (".dvc/config", "[core\n", "config"),
    ],
)
def test_other_errors_of_dvc_are_one_message(path: str, text: str, told: str, project: TemporaryProject) -> None:
    (project.root / path).write_text(text)
    assert told in str(refused(project))


HOLD = """
import sys, time
import zc.lockfile
lock = zc.lockfile.LockFile(sys.argv[1])
print("HELD", flush=True)
time.sleep(900)
"""


def test_who_holds_dvcs_lock_is_named(project: TemporaryProject, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = project.root / ".dvc" / "tmp" / "lock"
    lock.parent.mkdir(exist_ok=True)
    with subprocess.Popen((sys.executable, "-c", HOLD, str(lock)), stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout
            holder.stdout.readline()
            assert lock_holder(project.root) is None  # whom we started is nobody to complain of
            monkeypatch.setattr(dvc_errors, "is_ours", lambda pid: False)
            told = str(refused(project))
        finally:
            holder.kill()
    assert f"process {holder.pid}" in told
    assert f"kill {holder.pid}" in told
    assert "zc.lockfile" in told  # its command


def test_the_command_that_started_dvc_is_the_one_to_stop(tmp_path: Path) -> None:
    """To kill its `dvc` alone would only fail one of its stages."""
    command = tmp_path / "ferlab"
    command.write_text("sleep 900 & echo $!; wait")
    with subprocess.Popen(("sh", str(command)), stdout=subprocess.PIPE, process_group=0) as ferlab:
        try:
            assert ferlab.stdout
            below = int(ferlab.stdout.readline())
            assert started_by(below) == ferlab.pid
            assert started_by(os.getpid()) == os.getpid()
        finally:
            os.killpg(ferlab.pid, signal.SIGKILL)
    assert started_by(below) == below  # gone


def test_who_blocks_a_stage_is_named(project: TemporaryProject) -> None:
    """As where `dvc repro` is at work on the same stage, and `ferlab reproduce` is started beside it."""
    lock = project.root / ".dvc" / "tmp" / "rwlock"
    lock.parent.mkdir(exist_ok=True)
    busy = {"write": {str(project.root / "work" / "prepared"): {"pid": os.getpid(), "cmd": "dvc repro"}}}
    lock.write_text(json.dumps(busy))
    output = project.ferlab("reproduce", code=2)
    assert f"DVC is at work here already: process {os.getpid()} (" in output
    assert f"kill {os.getpid()}" in output
    assert "If there are no processes" not in output  # DVC's own advice


def test_other_last_words_stay_as_they_are(tmp_path: Path) -> None:
    assert explain(tmp_path, "ValueError: no") == "ValueError: no"
