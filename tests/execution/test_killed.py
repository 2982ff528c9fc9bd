"""What is said of a task that was killed: the signal, and what the kernel has counted of memory."""

from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest

from ferlab.ablation.run import _Hearing
from ferlab.cli.sitting import Sitting
from ferlab.execution import killed
from ferlab.execution.killed import Killed, oom_kills, was_killed
from ferlab.execution.local import Local
from ferlab.execution.task import Event, Task
from ferlab.params import load
from ferlab.project import Project
from small import REPOSITORY

BY_DVC = "ERROR: failed to reproduce 'train@svm-0': failed to run: ferlab stage train svm 0, exited with -9"


@pytest.fixture
def failed(tmp_path: Path) -> Callable[[str], Event]:
    """How a line of the shell fails."""

    def failed(line: str) -> Event:
        events = list[Event]()
        Local(tmp_path, 1).run(
            [Task("one", ("sh", "-c", line), tmp_path, tmp_path / "log", frozenset())], events.append
        )
        return events[-1]

    return failed


@pytest.mark.parametrize(
    ("line", "was"), [("kill -9 $$", True), (f'echo "{BY_DVC}"; exit 255', True), ("kill $$", False), ("exit 9", False)]
)
def test_a_kill_is_told_from_other_failures(line: str, was: bool, failed: Callable[[str], Event]) -> None:
    assert was_killed(failed(line)) is was


def test_memory_is_named_as_a_fact_only_where_the_kernel_has_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vmstat = tmp_path / "vmstat"
    monkeypatch.setattr(killed, "VMSTAT", vmstat)
    assert oom_kills() == 0  # another system's
    vmstat.write_text("drop_slab 3\noom_kill 7\nunevictable_pgs_culled 5\n")
    why = Killed("less")
    assert str(why) == "killed (signal 9): by a person, a scheduler, or most likely for want of memory; less"
    vmstat.write_text("oom_kill 8\n")
    assert str(why) == "killed (signal 9): the kernel has ended a process for want of memory meanwhile; less"


def test_reproduce_and_ablate_say_it(
    failed: Callable[[str], Event], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, event = Project(tmp_path), failed("kill -9 $$")
    Sitting(project, load(REPOSITORY / "params.yaml"), 1, inf, quiet=False)._tell(event)
    assert "one: killed (signal 9): " in capsys.readouterr().err
    hearing = _Hearing(project, {}, lambda *_: None, lambda *_: None)
    hearing.tell(event)
    hearing.tell(failed("echo 'error: no chairs'; exit 2"))
    assert hearing.lost[0].startswith("one: killed (signal 9): ")
    assert hearing.lost[1:] == ["one: no chairs"]
