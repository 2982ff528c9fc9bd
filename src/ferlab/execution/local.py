"""Tasks on this machine: each a process in a group of its own, so many side by side."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from ferlab.execution import lifeline, loop
from ferlab.execution.task import Event, Outcome, Task, Tell

GRACE = 60.0  # seconds that a task has to end after it was asked to
POLL = 0.1  # seconds
BEAT = 30.0  # seconds between two words that a task is running
SILENCE = 10.0  # seconds without a word from its start on after which a task is said to be silent
LAST_WORDS = 8  # lines


@dataclass
class _Running:
    """A task's process, and how much of its log has been told.

    Attributes:
        begun: bytes of the log when it was started, of earlier starts.
        told: bytes of the log that have been told.
        beat: seconds after its start at which it was last said to be running.
    """

    task: Task
    process: "subprocess.Popen[bytes]"
    started: float
    begun: int
    told: int
    is_silent: bool = False
    beat: float = 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def new_line(self) -> str | None:
        """The last whole line that it has printed since this was last asked, if any."""
        size = self.task.log.stat().st_size
        if size == self.told:
            return None
        with self.task.log.open("rb") as log:
            log.seek(self.told)
            fresh, newline, _ = log.read().rpartition(b"\n")
        self.told += len(fresh) + len(newline)
        return fresh.decode(errors="replace").rpartition("\n")[2] if newline else None

    def printed(self) -> str:
        """All that it has printed since it was started."""
        with self.task.log.open("rb") as log:
            log.seek(self.begun)
            return log.read().decode(errors="replace")


class Local:
    """Up to `jobs` tasks side by side. They end with this process, however it ends.

    Args:
        state: a folder of the project's own for what it needs to keep hold of them.
    """

    def __init__(self, state: Path, jobs: int) -> None:
        self.state, self.jobs = state, jobs

    def run(self, tasks: Sequence[Task], tell: Tell, deadline: float = inf) -> Outcome:
        with self.open(tell) as here:
            return loop.run(tasks, [here], lambda _: here, lambda: time.monotonic() < deadline)

    @contextmanager
    def open(self, tell: Tell) -> Iterator[loop.Place]:
        """This machine, for an executor that has another place too."""
        with lifeline.held(self.state) as ours:
            yield _Here(self.jobs, ours, tell)


@dataclass
class _Here:
    """This machine as a place for tasks."""

    jobs: int
    ours: dict[str, str]
    tell: Tell
    processes: list[_Running] = field(default_factory=list)

    @property
    def running(self) -> list[Task]:
        return [one.task for one in self.processes]

    @property
    def free(self) -> int:
        return self.jobs - len(self.processes)

    def begin(self, task: Task) -> None:
        self.processes.append(_start(task, self.ours))
        self.tell(Event("started", task))

    def look(self, outcome: Outcome) -> None:
        time.sleep(POLL)
        for one in list(self.processes):
            if (line := one.new_line()) is not None:
                self.tell(Event("printed", one.task, one.seconds, line))
            elif one.seconds > SILENCE and one.told == one.begun and not one.is_silent:
                one.is_silent = True
                self.tell(Event("silent", one.task, one.seconds))
            if one.seconds - one.beat > BEAT:
                one.beat = one.seconds
                self.tell(Event("running", one.task, one.seconds))
            if one.process.poll() is not None:
                self.processes.remove(one)
                _end(one, outcome, self.tell)

    def stop(self) -> None:
        _stop(self.processes, self.tell)


def _start(task: Task, ours: dict[str, str]) -> _Running:
    """Start a task in a process group of its own: Ctrl-C is passed on once, by us. What it printed before stays."""
    task.log.parent.mkdir(parents=True, exist_ok=True)
    beside = str(Path(sys.executable).parent)  # our own ferlab and dvc, also where their environment isn't active
    env = os.environ | ours | {"PATH": os.pathsep.join((beside, os.environ.get("PATH", os.defpath)))}
    with task.log.open("ab") as output:
        if output.tell():
            output.write(f"--- started again, {time.strftime('%Y-%m-%d %H:%M:%S')} ---\n".encode())
            output.flush()
        begun = output.tell()
        process = subprocess.Popen(
            task.command, cwd=task.folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            process_group=0,
        )  # fmt: skip
    return _Running(task, process, time.monotonic(), begun, begun)


def _end(one: _Running, outcome: Outcome, tell: Tell) -> None:
    """Note how a task ended, and tell it."""
    code = one.process.returncode
    if code == 0:
        outcome.done.append(one.task.name)
        tell(Event("done", one.task, one.seconds, one.printed()))
    else:
        outcome.failed.append(one.task.name)
        lines = one.printed().splitlines()
        tell(Event("failed", one.task, one.seconds, "\n".join(lines[-LAST_WORDS:]), code))


def _stop(running: Sequence[_Running], tell: Tell) -> None:
    """Ask tasks to end, and kill those that don't in time."""
    for one in running:
        _signal(one, signal.SIGINT)
        tell(Event("stopping", one.task, one.seconds))
    last = time.monotonic() + GRACE
    for one in running:
        try:
            one.process.wait(max(0.0, last - time.monotonic()))
            tell(Event("stopped", one.task, one.seconds))
        except subprocess.TimeoutExpired:
            _signal(one, signal.SIGKILL)
            one.process.wait()
            tell(Event("killed", one.task, one.seconds))


def _signal(one: _Running, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(one.process.pid, number)
