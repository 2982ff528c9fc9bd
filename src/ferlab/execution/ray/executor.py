"""Tasks on a Ray cluster. What a task reads travels with it, what it makes comes back; no disk is shared.

Ray chooses the node, and begins a task again elsewhere when its node is lost.
"""

import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from ferlab.errors import UserError
from ferlab.execution.environment import Environment
from ferlab.execution.local import LAST_WORDS
from ferlab.execution.node import Order, Report, carry_out
from ferlab.execution.ray.cluster import must_fit, needs, on_node
from ferlab.execution.task import Event, Outcome, Task, Tell
from ferlab.execution.travel import digest, pack, unpack
from ferlab.project import Project

POLL = 0.5  # seconds
LOOK = 10.0  # seconds between two looks at the cluster's nodes
REPLACED = 600.0  # seconds in which a node that was lost may come back, or another in its place
AGAIN = 20  # times that a task is begun again because its node or process was lost
STOPPING = 30.0  # seconds that stopped tasks have to save their state

Take = Callable[[Task, Path], None]
"""Puts what a task has made, which lies below a folder as it lay in its project, into its place here."""


@dataclass
class OnRay:
    """An executor on the cluster that this process is connected to (see `connected`).

    Args:
        given: files that each task is given beside its inputs, and may write: place, seen from the project's home, to
            where it lies here.
        back: places that come back beside a task's outs.
        checkpoints: the URL of a store for checkpoints in flight, if there is one.
    """

    project: Project
    take: Take
    given: Mapping[str, Path] = field(default_factory=dict)
    back: tuple[str, ...] = ()
    checkpoints: str | None = None
    _here: Environment = field(default_factory=Environment.here)
    _contents: dict[str, Any] = field(default_factory=dict)  # digest -> Ray's reference
    _packed: dict[Path, str] = field(default_factory=dict)  # what has been packed already -> digest

    def run(self, tasks: Sequence[Task], tell: Tell, deadline: float = inf) -> Outcome:
        import ray

        must_fit(map(needs, tasks))
        outcome, waiting, running = Outcome(), {task.name: task for task in tasks}, dict[Any, Task]()
        names, ear = frozenset(waiting), _Ear(tell)
        looked, small_since = time.monotonic(), inf
        try:
            while time.monotonic() < deadline:
                done = set(outcome.done)
                ready = [task for task in waiting.values() if task.waits_for & names <= done]
                for task in sorted(ready, key=lambda task: task.order):
                    running[self._submit(task, ear)] = waiting.pop(task.name)
                if not running:
                    break
                ended, _ = ray.wait(list(running), timeout=POLL)
                ear.listen({task.name: task for task in running.values()})
                for ref in ended:
                    self._end(ref, running.pop(ref), outcome, ear.seconds, tell)
                if time.monotonic() - looked > LOOK:
                    looked = time.monotonic()
                    small_since = self._look(running.values(), small_since)
        finally:
            outcome.stopped = [task.name for task in running.values()]
            _stop(running, tell)
        outcome.left = list(waiting)
        return outcome

    def _look(self, tasks: Iterable[Task], small_since: float) -> float:
        """Since when the cluster has been too small for some tasks, as nodes may go; infinite if it isn't.

        Raises:
            UserError: for longer than a lost node has to be replaced.
        """
        try:
            must_fit(map(needs, tasks))
        except UserError:
            if time.monotonic() - small_since > REPLACED:
                raise
            return min(small_since, time.monotonic())
        return inf

    def _submit(self, task: Task, ear: "_Ear") -> Any:
        home = self.project.home
        inputs = {str(path.relative_to(home)): self._put(path) for path in task.inputs}
        copies = {name: self._put(path) for name, path in self.given.items() if name not in inputs}
        outs = (*(str(path.relative_to(home)) for path in task.outs), *self.back)
        folder = str(task.folder.relative_to(home))
        order = Order(task.name, task.command, folder, inputs, copies, outs, self.checkpoints, self._here)
        contents = {name: self._contents[name] for name in {*inputs.values(), *copies.values()}}
        return (
            _remote(_on_node)
            .options(name=task.name, max_retries=AGAIN, num_cpus=task.threads, num_gpus=task.gpu, memory=task.memory)
            .remote(order, contents, ear.actor, task.name)
        )

    def _put(self, path: Path) -> str:
        """Put a file's or folder's content into the object store, once; returns its digest."""
        import ray

        if path not in self._packed:
            data = pack(path)
            name = digest(data)
            if name not in self._contents:
                self._contents[name] = ray.put(data)
            self._packed[path] = name
        return self._packed[path]

    def _end(self, ref: Any, task: Task, outcome: Outcome, seconds: Mapping[str, float], tell: Tell) -> None:
        report, took = _report(ref), seconds.get(task.name, 0.0)
        task.log.parent.mkdir(parents=True, exist_ok=True)
        with task.log.open("a", encoding="utf-8") as log:
            log.write(report.text.rstrip("\n") + "\n")
        if report.outs:
            self.project.state.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".arrived-", dir=self.project.state) as name:
                folder = Path(name)
                for place, data in report.outs.items():
                    with tempfile.TemporaryDirectory(dir=folder) as scratch:
                        target = folder / "home" / place
                        target.parent.mkdir(parents=True, exist_ok=True)
                        unpack(data, Path(scratch)).rename(target)
                self.take(task, folder / "home")
        if report.code == 0:
            if self.checkpoints:
                from ferlab.execution.away import forget  # late: with torch, which this module needn't load on a node

                for identity in report.inflight:
                    forget(f"{self.checkpoints.rstrip('/')}/{identity}")
            outcome.done.append(task.name)
            tell(Event("done", task, took, report.text))
        else:
            outcome.failed.append(task.name)
            tell(Event("failed", task, took, "\n".join(report.text.splitlines()[-LAST_WORDS:]), report.code))


class _Ear:
    """Hears from nodes how far their tasks are, by an actor that they speak to."""

    def __init__(self, tell: Tell) -> None:
        import ray

        here = ray.get_runtime_context().get_node_id()
        actor = _remote(_Mailbox).options(num_cpus=0, max_restarts=-1, scheduling_strategy=on_node(here))
        self.tell, self.actor, self.seconds = tell, actor.remote(), dict[str, float]()
        self._asked = self.actor.take.remote()

    def listen(self, running: Mapping[str, Task]) -> None:
        import ray

        if not ray.wait([self._asked], timeout=0)[0]:
            return
        try:
            said = ray.get(self._asked)
        except ray.exceptions.RayError:  # it is being begun again; what it had heard is no great loss
            said = []
        self._asked = self.actor.take.remote()
        for name, kind, seconds, text in said:
            if name in running:
                self.seconds[name] = seconds
                self.tell(Event(kind, running[name], seconds, text))


class _Mailbox:
    """Keeps what nodes say until it is taken."""

    def __init__(self) -> None:
        self.said = list[tuple[Any, ...]]()

    def hear(self, *said: Any) -> None:
        self.said.append(said)

    def take(self) -> list[tuple[Any, ...]]:
        said, self.said = self.said, []
        return said


def _remote(work: Any) -> Any:
    import ray

    return ray.remote(work)


def _on_node(order: Order, contents: Mapping[str, Any], ear: Any, name: str) -> Report:
    """What Ray runs on a node."""
    import ray

    def hear(kind: str, seconds: float, text: str) -> None:
        ear.hear.remote(name, kind, seconds, text)

    def fetch(wanted: str) -> bytes:
        data: bytes = ray.get(contents[wanted])
        return data

    return carry_out(order, fetch, hear)


def _report(ref: Any) -> Report:
    """What a node says of a task, or why it can't."""
    import ray

    try:
        report: Report = ray.get(ref)
    except (ray.exceptions.OutOfMemoryError, ray.exceptions.WorkerCrashedError):
        return Report(-signal.SIGKILL, "its process was killed on every node that began it")
    except ray.exceptions.RayTaskError as error:
        said = f"{type(error.cause).__name__}: {error.cause}" if error.cause else str(error).strip().splitlines()[-1]
        return Report(1, f"error: {said}")
    except ray.exceptions.RayError as error:
        return Report(1, f"error: Ray gave the task up: {str(error).strip().splitlines()[0]}")
    return report


def _stop(running: Mapping[Any, Task], tell: Tell) -> None:
    """Ask tasks to end; they save what they can in the store of checkpoints."""
    import ray

    if not running:
        return
    for ref, task in running.items():
        ray.cancel(ref)
        tell(Event("stopping", task))
    ended, _ = ray.wait(list(running), num_returns=len(running), timeout=STOPPING)
    for ref, task in running.items():
        tell(Event("stopped" if ref in ended else "killed", task))
