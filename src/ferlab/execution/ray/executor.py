"""Tasks on a Ray cluster. What a task reads travels with it, what it makes comes back; no disk is shared.

Ray chooses the node, and begins a task again elsewhere when its node is lost.
"""

import re
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from ferlab.errors import UserError
from ferlab.execution import loop
from ferlab.execution.environment import Environment
from ferlab.execution.local import LAST_WORDS, Local
from ferlab.execution.node import INFLIGHT, Order, Report, carry_out
from ferlab.execution.ray.cluster import must_fit, needs
from ferlab.execution.ray.ear import Ear
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
    """An executor on the cluster that this process is connected to (see `connected`). Threads may share it.

    Args:
        given: files that each task is given beside its inputs, and may write: place, seen from the project's home, to
            where it lies here.
        back: places that come back beside a task's outs.
        checkpoints: the URL of a store for checkpoints in flight, if there is one.
        jobs: how many of the tasks that stay on this machine run side by side.
        stop: set when all is to end, by another thread than the one that runs tasks.
    """

    project: Project
    take: Take
    given: Mapping[str, Path] = field(default_factory=dict)
    back: tuple[str, ...] = ()
    checkpoints: str | None = None
    jobs: int = 1
    stop: threading.Event = field(default_factory=threading.Event)
    ear: Ear = field(default_factory=Ear)
    _here: Environment = field(default_factory=Environment.here)
    _contents: dict[str, Any] = field(default_factory=dict)  # digest -> Ray's reference
    _packed: dict[Path, str] = field(default_factory=dict)  # what has been packed already -> digest

    def run(self, tasks: Sequence[Task], tell: Tell, deadline: float = inf) -> Outcome:
        must_fit(needs(task) for task in tasks if not task.stays)
        there = _There(self, tell)
        with Local(self.project.state, self.jobs).open(tell) as here:
            return loop.run(
                tasks,
                [there, here],
                lambda task: here if task.stays else there,
                lambda: time.monotonic() < deadline and not self.stop.is_set(),
            )

    def submit(self, task: Task) -> Any:
        """Give a task to the cluster; returns Ray's reference of its report."""
        home = self.project.home
        inputs = {str(path.relative_to(home)): self._put(path) for path in task.inputs}
        copies = {name: self._put(path) for name, path in self.given.items() if name not in inputs}
        if self.checkpoints:  # where it outlives a node that goes on from it
            from ferlab.execution.away import hand_over

            for path in task.resumes:
                hand_over(path, f"{self.checkpoints.rstrip('/')}/{path.relative_to(self.project.state / INFLIGHT)}")
        else:
            copies |= {str(path.relative_to(home)): self._put(path) for path in task.resumes}
        outs = (*(str(path.relative_to(home)) for path in task.outs), *self.back)
        folder = str(task.folder.relative_to(home))
        order = Order(task.name, task.command, folder, inputs, copies, outs, self.checkpoints, self._here)
        contents = {name: self._contents[name] for name in {*inputs.values(), *copies.values()}}
        return (
            _remote(_on_node)
            .options(name=task.name, max_retries=AGAIN, num_cpus=task.threads, num_gpus=task.gpu, memory=task.memory)
            .remote(order, contents, self.ear.actor, task.name)
        )

    def _put(self, path: Path) -> str:
        """Put a file's or folder's content into the object store, once; returns its digest."""
        import ray

        if path not in self._packed:
            data = pack(path)
            name = digest(data)
            if name not in self._contents:
                try:
                    self._contents[name] = ray.put(data)
                except (ray.exceptions.OutOfDiskError, ray.exceptions.ObjectStoreFullError) as error:
                    raise _no_room(error) from None
            self._packed[path] = name
        return self._packed[path]

    def end(self, ref: Any, task: Task, outcome: Outcome, tell: Tell) -> None:
        """Bring home what a task has made, and note how it ended."""
        report, took = _report(ref), self.ear.seconds.get(task.name, 0.0)
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

                for left in report.inflight:
                    forget(f"{self.checkpoints.rstrip('/')}/{left}")
            outcome.done.append(task.name)
            tell(Event("done", task, took, report.text))
        else:
            outcome.failed.append(task.name)
            tell(Event("failed", task, took, "\n".join(report.text.splitlines()[-LAST_WORDS:]), report.code))


@dataclass
class _There:
    """The cluster as a place for tasks."""

    executor: OnRay
    tell: Tell
    refs: dict[Any, Task] = field(default_factory=dict)
    looked: float = field(default_factory=time.monotonic)
    small_since: float = inf
    free: float = inf  # Ray lets wait what doesn't fit now

    @property
    def running(self) -> list[Task]:
        return list(self.refs.values())

    def begin(self, task: Task) -> None:
        self.refs[self.executor.submit(task)] = task

    def look(self, outcome: Outcome) -> None:
        import ray

        ended, _ = ray.wait(list(self.refs), timeout=POLL)
        self.executor.ear.listen({task.name: task for task in self.refs.values()}, self.tell)
        for ref in ended:
            self.executor.end(ref, self.refs.pop(ref), outcome, self.tell)
        if time.monotonic() - self.looked > LOOK:
            self.looked = time.monotonic()
            self._must_still_fit()

    def _must_still_fit(self) -> None:
        """Raise a UserError where nodes have gone without which the cluster is too small, and no other has come."""
        try:
            must_fit(map(needs, self.running))
            self.small_since = inf
        except UserError:
            if time.monotonic() - self.small_since > REPLACED:
                raise
            self.small_since = min(self.small_since, time.monotonic())

    def stop(self) -> None:
        """Ask tasks to end; they save what they can in the store of checkpoints."""
        import ray

        if not self.refs:
            return
        for ref, task in self.refs.items():
            ray.cancel(ref)
            self.tell(Event("stopping", task))
        ended, _ = ray.wait(list(self.refs), num_returns=len(self.refs), timeout=STOPPING)
        for ref, task in self.refs.items():
            self.tell(Event("stopped" if ref in ended else "killed", task))


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
    except (ray.exceptions.OutOfDiskError, ray.exceptions.ObjectStoreFullError) as error:
        return Report(2, f"error: {_no_room(error)}")
    except (ray.exceptions.OutOfMemoryError, ray.exceptions.WorkerCrashedError):
        return Report(-signal.SIGKILL, "its process was killed on every node that began it")
    except ray.exceptions.RayTaskError as error:
        said = f"{type(error.cause).__name__}: {error.cause}" if error.cause else str(error).strip().splitlines()[-1]
        return Report(1, f"error: {said}")
    except ray.exceptions.RayError as error:
        return Report(1, f"error: Ray gave the task up: {str(error).strip().splitlines()[0]}")
    return report


def _no_room(error: Exception) -> UserError:
    """What a user can do about an object store that is full, and a disk that takes no more of it."""
    node = re.search(r"\bip=([^,)\s]+)", str(error))  # Ray's trace of a task names it, the error itself doesn't
    return UserError(
        "Ray's object store is full, and so is the disk that takes what it can't hold",
        where=f"node {node[1]}" if node else "this machine",
        next_step="free space there (`df`; Ray's own files lie below /tmp/ray), or begin Ray there with a larger "
        "--object-store-memory or another --object-spilling-directory; the same command then goes on",
    )
