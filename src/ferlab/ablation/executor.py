"""Where points are run: here, each in a process of its own, so many at once.

A process that dies takes its own point with it and no other. Another executor needs only `run`.
"""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from ferlab.ablation.answer import Answer, answer
from ferlab.ablation.question import Point
from ferlab.errors import UserError
from ferlab.execution.signals import stop_on_signals
from ferlab.project import Project

Watch = Callable[[Point, int, Mapping[str, float]], None]
"""(point, epoch, values): how far a point's training is."""

PRELOADED = [  # seconds of imports, paid once for all points
    "ferlab.ablation.answer",
    "ferlab.stages.mix",
    "ferlab.stages.train",
    "ferlab.classifiers.svm",
    "mlflow.store.tracking.sqlalchemy_store",  # imported by MLflow's first connection
    "torch._dynamo",  # imported by torch's first optimiser
]
STOPPED_BY_SYSTEM = (
    "the system killed this run, most likely because memory ran out: try a smaller batch_size or width, or --jobs 1"
)


class Executor(Protocol):
    """Runs points and yields their answers as they come, in any order, one for each."""

    def run(self, project: Project, points: Sequence[Point], parent: str | None, watch: Watch) -> Iterator[Answer]: ...


class Local:
    """Up to `jobs` points side by side on this machine. How many run at once never alters a result."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)

    def run(self, project: Project, points: Sequence[Point], parent: str | None, watch: Watch) -> Iterator[Answer]:
        waiting = list(points)
        running: dict[Connection, tuple[BaseProcess, Point]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self.jobs:
                    point = waiting.pop(0)
                    running.update([self._start(project, point, parent)])
                for ready in wait(list(running)):
                    assert isinstance(ready, Connection)
                    process, point = running[ready]
                    try:
                        message = ready.recv()
                    except EOFError:  # it died without a word
                        message = _failed(point, process)
                    if isinstance(message, Answer):
                        del running[ready]
                        process.join()
                        ready.close()
                        yield message
                    else:
                        watch(point, *message)
        finally:
            for process, _ in running.values():
                process.terminate()  # SIGTERM: the run is marked KILLED and can be taken up again
            for process, _ in running.values():
                process.join()

    def _start(
        self, project: Project, point: Point, parent: str | None
    ) -> tuple[Connection, tuple[BaseProcess, Point]]:
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work, args=(project, point, parent, theirs), name=point.title)
        process.start()
        theirs.close()
        return ours, (process, point)


def _failed(point: Point, process: BaseProcess) -> Answer:
    process.join()
    code = process.exitcode
    reason = STOPPED_BY_SYSTEM if code == -signal.SIGKILL else f"its process ended with code {code}"
    return Answer(point, "failed", error=reason)


def _work(project: Project, point: Point, parent: str | None, pipe: Connection) -> None:
    """In the point's process: answer, and say so. What else it prints goes to a log of its own."""
    _die_with_parent()
    log = project.state / "ablation" / "logs" / f"{point.name}.log"
    _print_to(log)
    stop_on_signals()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent passes it on, once
    try:
        found = answer(project, point, observe=lambda step, values: pipe.send((step, dict(values))), parent=parent)
    except UserError as error:
        found = Answer(point, "failed", error=str(error))
    except KeyboardInterrupt:
        return
    except Exception as error:
        found = Answer(point, "failed", error=f"{type(error).__name__}: {error} (more in {log})")
        traceback.print_exc()
    pipe.send(found)


def _die_with_parent() -> None:
    """A training whose ablation was killed would hold its lock for hours."""
    parent = multiprocessing.parent_process()
    assert parent

    def watch() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _print_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
