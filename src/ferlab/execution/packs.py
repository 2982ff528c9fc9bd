"""Trainings and GANs that are due as one task: a process that trains several at once on one GPU."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from math import inf
from pathlib import Path

from ferlab.execution.dvc import Due, before
from ferlab.execution.task import Task
from ferlab.files import write_json
from ferlab.project import Project

PACK = "pack"  # the task's name


def packed(due: Due, at_once: int, until: float = inf) -> Due:
    """The tasks among those due that can be packed as one, which evaluates trainings too; others as they are.

    What waits for them is asked of DVC again when they have ended.

    Args:
        at_once: how many the task trains side by side.
        until: a reading of time.time(); the task begins no training that couldn't end by then.
    """
    if not due.to_pack:
        return due
    tasks = {task.name: task for task in due.tasks}
    waits = {name: task.waits_for & tasks.keys() for name, task in tasks.items()}
    ours = set(due.to_pack)
    beside = [task for name, task in tasks.items() if name not in ours and not before({name}, waits) & ours]
    pack = _task([tasks[name] for name in due.to_pack], at_once, until)
    return replace(due, tasks=(pack, *beside), more=True, to_pack=())


def _task(trainings: Sequence[Task], at_once: int, until: float) -> Task:
    ordered = sorted(trainings, key=lambda task: task.rank)
    names = [task.name for task in ordered]
    limit = () if until == inf else ("--until", f"{until:.0f}")
    return replace(
        ordered[0],
        name=PACK,
        command=("ferlab", "pack", "--at-once", str(at_once), *limit, *names),
        log=ordered[0].log.with_name(f"{PACK}.log"),
        inputs=tuple({path for task in ordered for path in task.inputs}),
        outs=tuple(path for task in ordered for path in task.outs),
        gpu=1.0,
        seconds=sum(task.seconds for task in ordered),
    )


@dataclass(frozen=True)
class Ended:
    """How a pack ended, in names of stages.

    Attributes:
        left: those that weren't begun, or not as a whole, for want of time.
    """

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def note(project: Project, ended: Ended) -> None:
    """Leave word of how a pack ended to whoever started it."""
    write_json(_noted(project), asdict(ended))


def noted(project: Project) -> Ended:
    """What `note` said, once; nothing of a pack that was killed, or where there was none."""
    path = _noted(project)
    if not path.exists():
        return Ended()
    ended = Ended(**json.loads(path.read_text()))
    path.unlink()
    return ended


def _noted(project: Project) -> Path:
    return project.state / "pack.json"
