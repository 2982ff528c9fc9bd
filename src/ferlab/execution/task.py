"""What is to be run, in plain data, and what an executor owes to whoever asks it to run something."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any, Literal, Protocol

from ferlab.params import Params

Words = tuple[str, ...]  # a program and its arguments


@dataclass(frozen=True)
class Task:
    """One process to be run.

    Attributes:
        command: the program and its arguments.
        folder: where it works.
        log: the file that holds what it prints, after what it printed when it was started before.
        waits_for: names of the tasks that must have ended well before; one that isn't among the tasks has.
        inputs, outs: files and folders that it reads and makes, for an executor on another machine.
        resumes: checkpoints in flight here, for one that goes on from them elsewhere.
        stays: it needs the whole project, so that no other machine can run it.
        threads: CPU threads that it uses. Side by side here is what the caller allows, whatever they are.
        gpu: share of one GPU that it uses, 0-1.
        memory: bytes that it uses, for an executor that counts them.
        seconds: what it is expected to cost.
        rank: of the tasks that could start, those of the lowest rank do, the costliest of them first.
    """

    name: str
    command: Words
    folder: Path
    log: Path
    waits_for: frozenset[str] = frozenset()
    inputs: tuple[Path, ...] = ()
    outs: tuple[Path, ...] = ()
    resumes: tuple[Path, ...] = ()
    stays: bool = False
    threads: int = 1
    gpu: float = 0.0
    memory: int = 0
    seconds: float = 0.0
    rank: tuple[int, ...] = ()

    @property
    def order(self) -> tuple[tuple[int, ...], float]:
        """What is started first of several tasks that could be is the least of these."""
        return self.rank, -self.seconds


def resources(params: Params) -> dict[str, Any]:
    """What a task with these parameters uses of a machine, in a Task's words."""
    gpu = 0.0 if params.compute.device == "cpu" else params.runtime.gpu_share
    return {"threads": params.compute.threads, "gpu": gpu, "memory": round(params.runtime.memory_gib * 2**30)}


def in_parts(task: Task, parts: Mapping[str, Words], seconds: float) -> list[Task]:
    """A task behind tasks for its parts, which make no outs of their own; the task finds them done.

    Args:
        parts: name of each part to its command; if there are none, the task stays as it is.
        seconds: what the task then costs.
    """
    if not parts:
        return [task]
    before = [
        replace(
            task,
            name=f"{task.name}:{part}",
            command=words,
            log=task.log.with_name(f"{task.name}:{part}.log"),
            outs=(),
            stays=False,
            seconds=task.seconds / len(parts),
        )
        for part, words in parts.items()
    ]
    waits_for = task.waits_for | {part.name for part in before}
    return [*before, replace(task, waits_for=waits_for, seconds=seconds)]


@dataclass(frozen=True)
class Event:
    """Something that happened to a task.

    Attributes:
        kind: `started`; `silent`, as it has printed nothing for a while since; `printed` a line; `running`, every half
            minute; ended: `done` or `failed`; `stopping`, as it is asked to stop; `stopped` then, or `killed`, as it
            didn't stop.
        seconds: since it was started.
        text: the line; of a task that is done all that it printed, of one that failed its last words.
        code: the exit code of one that failed, negative for the signal that killed it.
    """

    kind: Literal["started", "silent", "printed", "running", "done", "failed", "stopping", "stopped", "killed"]
    task: Task
    seconds: float = 0.0
    text: str = ""
    code: int = 0


@dataclass
class Outcome:
    """Names of tasks: ended well, ended with an error, asked to stop, and never begun."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


Tell = Callable[[Event], None]


class Executor(Protocol):
    """Runs tasks, each once, none before those it waits for. Where and how many at once never alters a result."""

    def run(self, tasks: Sequence[Task], tell: Tell, deadline: float = inf) -> Outcome:
        """Run tasks until all are done or the time is up.

        A task that fails takes with it those that wait for it, and no others. At the deadline, and when the caller is
        interrupted, running tasks are asked to stop; what they have saved stays, and a later call goes on from it.

        Args:
            tell: called with each event as it happens.
            deadline: a reading of time.monotonic(); infinite for none.
        """
        ...
