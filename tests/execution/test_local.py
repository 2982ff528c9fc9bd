"""The local executor on real processes: order, failures, time, and that nothing outlives it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ferlab.execution import local
from ferlab.execution.local import Local
from ferlab.execution.task import Event, Outcome, Task

PATIENCE = 600  # seconds until a process must have ended, on a busy machine


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Task]:
    """A task that writes its name to `begun`, then runs a line of the shell."""

    def task(name: str, line: str = ":", **more: object) -> Task:
        command = ("sh", "-c", f"echo {name} >> begun; {line}")
        waits_for = frozenset(str(more.pop("after", "")).split())
        return Task(name, command, tmp_path, tmp_path / f"{name}.log", waits_for, **more)  # type: ignore[arg-type]

    return task


def run(tasks: list[Task], jobs: int = 1, tell: Callable[[Event], None] = lambda _: None) -> Outcome:
    return Local(tasks[0].folder, jobs).run(tasks, tell)


def begun(tasks: list[Task]) -> list[str]:
    return (tasks[0].folder / "begun").read_text().split()


def test_the_costliest_of_those_that_could_start_does(make: Callable[..., Task]) -> None:
    tasks = [
        make("cheap", seconds=1),
        make("dear", seconds=9),
        make("late", seconds=99, rank=(1,)),
        make("dearest", seconds=50, after="cheap"),
    ]
    assert run(tasks).done == ["dear", "cheap", "dearest", "late"]
    assert begun(tasks) == ["dear", "cheap", "dearest", "late"]


def test_so_many_run_side_by_side(make: Callable[..., Task]) -> None:
    """Each of two waits for the other's sign: one after the other they would never end."""
    tasks = [
        make(mine, f"touch {mine}.sign; until [ -e {other}.sign ]; do sleep 0.01; done")
        for mine, other in (("one", "two"), ("two", "one"))
    ]
    assert sorted(run(tasks, jobs=2).done) == ["one", "two"]


def test_a_failure_takes_only_what_waits_for_it(make: Callable[..., Task]) -> None:
    told = list[Event]()
    tasks = [
        make("bad", "echo no more chairs; exit 7"),
        make("after", after="bad"),
        make("far", after="after"),
        make("good"),
        make("better", after="good elsewhere"),
    ]
    outcome = run(tasks, 2, told.append)
    assert outcome == Outcome(done=["good", "better"], failed=["bad"], left=["after", "far"])
    (failed,) = (event for event in told if event.kind == "failed")
    assert (failed.code, failed.text) == (7, "no more chairs")


def test_what_a_task_prints_is_told(make: Callable[..., Task]) -> None:
    told = list[Event]()
    run([make("talks", "echo one; echo two")], 1, told.append)
    assert [event.kind for event in told] == ["started", "printed", "done"]
    assert told[1].text == "two"


def test_a_log_keeps_what_was_printed_before_and_only_the_new_is_told(make: Callable[..., Task]) -> None:
    """As over two sittings: a stage that DVC skips now isn't said to be skipped for what it printed then."""
    told = list[Event]()
    run([make("talks", "echo skipping run; echo two")])
    run([make("talks", "echo three")], 1, told.append)
    run([make("talks", "exit 7")], 1, told.append)
    first, second, third = make("talks").log.read_text().split("--- started again, ")
    assert (first, second.splitlines()[1:], third.splitlines()[1:]) == ("skipping run\ntwo\n", ["three"], [])
    assert [(event.kind, event.text) for event in told] == [
        ("started", ""), ("printed", "three"), ("done", "three\n"), ("started", ""), ("failed", "")
    ]  # fmt: skip


def test_a_task_that_says_nothing_is_told_of_once(
    make: Callable[..., Task], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local, "SILENCE", 0.0)
    told = list[str]()

    def tell(event: Event) -> None:
        told.append(event.kind)
        if event.kind == "silent":
            (tmp_path / "heard").touch()

    for _ in range(2):  # the second time its log holds the first time's words
        (tmp_path / "heard").unlink(missing_ok=True)
        run([make("waits", "until [ -e heard ]; do sleep 0.01; done; sleep 0.3; echo at last")], 1, tell)
    assert told == ["started", "silent", "printed", "done"] * 2


def test_when_the_time_is_up_nothing_is_begun(make: Callable[..., Task], tmp_path: Path) -> None:
    outcome = Local(tmp_path, 1).run([make("early")], lambda _: None, deadline=time.monotonic())
    assert outcome == Outcome(left=["early"])


def test_a_running_task_is_told_of_again_and_again(make: Callable[..., Task], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "BEAT", 0.0)
    told = list[str]()
    task = make("works", "until [ $(wc -l < beats) -ge 2 ]; do sleep 0.01; done")
    (task.folder / "beats").touch()

    def tell(event: Event) -> None:
        told.append(event.kind)
        if event.kind == "running":
            with (task.folder / "beats").open("a") as beats:
                beats.write("beat\n")

    run([task], 1, tell)
    assert told.count("running") >= 2
    assert (told[0], told[-1]) == ("started", "done")


WAITS = "trap 'echo swept; exit 130' INT; echo ready; while :; do sleep 0.01; done"
HARDLY = WAITS.replace("'echo swept; exit 130'", "''")


def interrupt_when_ready(event: Event) -> None:
    if event.text == "ready":
        raise KeyboardInterrupt


def test_interrupted_it_asks_its_tasks_to_stop(make: Callable[..., Task]) -> None:
    """What it waits for is told at once, not when it has ended."""
    task, told = make("waits", WAITS), list[str]()

    def tell(event: Event) -> None:
        told.append(event.kind)
        interrupt_when_ready(event)

    with pytest.raises(KeyboardInterrupt):
        run([task, make("next")], 1, tell)
    assert told == ["started", "printed", "stopping", "stopped"]
    assert task.log.read_text() == "ready\nswept\n"
    assert begun([task]) == ["waits"]


def test_what_does_not_stop_is_killed(make: Callable[..., Task], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "GRACE", 0.0)
    told = list[Event]()

    def tell(event: Event) -> None:
        told.append(event)
        interrupt_when_ready(event)

    with pytest.raises(KeyboardInterrupt):
        run([make("hardly", HARDLY)], 1, tell)
    assert [event.kind for event in told[-2:]] == ["stopping", "killed"]


PARENT = """
import sys
from pathlib import Path
from ferlab.execution.local import Local
from ferlab.execution.task import Task
here = Path(sys.argv[1])
print("begun", flush=True)
Local(here, 1).run([Task("t", ("sh", "-c", sys.argv[2]), here, here / "t.log")], lambda e: None)
"""
FOLLOWER = """
import os, sys, time
from ferlab.execution.lifeline import follow
follow()
print(os.getppid(), os.getpid(), flush=True)
time.sleep(900)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "terminate"])
def test_children_and_theirs_end_with_it_however_it_dies(number: int, tmp_path: Path) -> None:
    """The shell between stands for DVC, which starts a stage and waits for it, and knows nothing of us."""
    program = tmp_path / "follower.py"
    program.write_text(FOLLOWER)
    line = f"'{sys.executable}' '{program}'; true"
    parent = subprocess.Popen((sys.executable, "-c", PARENT, str(tmp_path), line))
    log = tmp_path / "t.log"
    while not (log.exists() and log.read_text().endswith("\n")):
        assert parent.poll() is None
        time.sleep(0.01)
    children = [psutil.Process(int(pid)) for pid in log.read_text().split()]
    assert len(children) == 2
    parent.send_signal(number)
    parent.wait(PATIENCE)
    _, alive = psutil.wait_procs(children, PATIENCE)
    assert alive == []


def test_a_child_that_begins_after_its_starters_death_ends_at_once(tmp_path: Path) -> None:
    env = os.environ | {"FERLAB_LIFELINE": str(tmp_path / "gone")}
    child = subprocess.run((sys.executable, "-c", FOLLOWER), env=env, start_new_session=True, check=False)
    assert child.returncode == -signal.SIGKILL


def test_lifelines_of_the_dead_are_swept_and_those_of_the_living_kept(tmp_path: Path) -> None:
    from ferlab.execution.lifeline import VARIABLE, held, holders

    (tmp_path / "lifelines").mkdir()
    (tmp_path / "lifelines" / "dead").write_text("1")
    assert holders(tmp_path) == []
    with held(tmp_path) as first, held(tmp_path) as second:
        assert sorted((tmp_path / "lifelines").iterdir()) == sorted(Path(env[VARIABLE]) for env in (first, second))
        assert holders(tmp_path) == [os.getpid()]
    assert list((tmp_path / "lifelines").iterdir()) == []
    assert holders(tmp_path) == []
