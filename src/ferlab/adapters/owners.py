"""Whose an MLflow run is: the process at work on it, and whether that has ended. A kill leaves its run RUNNING.

On a server several machines share a store. A run is marked as killed only where it is certain that nobody is at it.
"""

import getpass
import os
import re
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from mlflow import MlflowClient
from mlflow.entities import Run, SourceType
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE, MLFLOW_USER

from ferlab.errors import masked
from ferlab.files import which_folder
from ferlab.project import Project

# tags of a run
RUN_KEY = "ferlab.slot"  # of published runs, so its name stays
HOST = "ferlab.host"  # the machine of the process at work on it
PROCESS = "ferlab.process"  # its number, the clock tick at which it began, and the kernel that counts both
PLACE = "ferlab.place"  # the folder whose locks the process holds
_DEAD = ("Z", "X")  # states of a process that has ended and is yet to be buried
_swept = set[str]()


@dataclass(frozen=True)
class Process:
    """A process, as far as it can be told from any other.

    Attributes:
        pid, began: its number, and when it began, in ticks since the machine did.
        boot, names: which run of which kernel, and which of its tables of process numbers (a container has its own).
    """

    pid: int
    began: int
    boot: str
    names: str

    @classmethod
    def own(cls) -> "Process":
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return cls(os.getpid(), _began(os.getpid()) or 0, boot, str(Path("/proc/self/ns/pid").readlink()))

    @classmethod
    def read(cls, text: str) -> "Process | None":
        """What `str` wrote; None of anything else."""
        parts = text.split(" ")
        if len(parts) != 4 or not (parts[0].isdecimal() and parts[1].isdecimal()):
            return None
        return cls(int(parts[0]), int(parts[1]), *parts[2:])

    def __str__(self) -> str:
        return f"{self.pid} {self.began} {self.boot} {self.names}"

    @property
    def lives(self) -> bool:
        """Whether it lives, if it is one of those that this process can see."""
        # not by psutil's time of creation, which moves with the clock
        return psutil.pid_exists(self.pid) and _began(self.pid) in (None, self.began)


def _began(pid: int) -> int | None:
    """The tick at which a process began, -1 of one that has ended; None of one that may not be looked at."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return -1 if fields[0] in _DEAD else int(fields[19])


def owner_tags(project: Project) -> dict[str, str]:
    """The tags that say that this process is at work on a run."""
    return {HOST: socket.gethostname(), PROCESS: str(Process.own()), PLACE: which_folder(project.state)}


def source_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """What MLflow's page shows as a run's source: the command, who typed it, and the commit, as far as known."""
    command = masked(" ".join((Path(sys.argv[0]).name, *sys.argv[1:])))
    found = {MLFLOW_SOURCE_NAME: command, MLFLOW_SOURCE_TYPE: SourceType.to_string(SourceType.LOCAL)}
    with suppress(OSError, KeyError):  # in a container a user may have no name
        found[MLFLOW_USER] = getpass.getuser()
    if re.fullmatch("[0-9a-f]{40,64}", tags.get("commit", "")):
        found[MLFLOW_GIT_COMMIT] = tags["commit"]
    return found


def is_dead(run: Run, file: Path | None) -> bool:
    """Whether the process at work on a run has ended; False where that can't be told from here.

    Args:
        file: the store, if it is a file. Of a machine's earlier start only that can tell: on a server, another machine
            may have the same name.
    """
    there, here = Process.read(run.data.tags.get(PROCESS, "")), Process.own()
    if there is None:
        return False
    if there.boot != here.boot:
        return file is not None and run.data.tags.get(HOST) == socket.gethostname()
    return there.names == here.names and not there.lives


def is_ours(run: Run, project: Project, file: Path | None) -> bool:
    """Whether the locks of this project tell if somebody is at work on a run. Earlier versions named no place."""
    place = run.data.tags.get(PLACE)
    return file is not None if place is None else place == which_folder(project.state)


def end_killed(client: MlflowClient, run: Run) -> None:
    """Mark a run as killed, at the time at which it logged something last."""
    metric = next(iter(run.data.metrics), None)
    logged = client.get_metric_history(run.info.run_id, metric) if metric else []
    last = max((one.timestamp for one in logged), default=run.info.start_time)
    client.set_terminated(run.info.run_id, "KILLED", max(last, run.info.start_time))


def running(client: MlflowClient, experiments: Sequence[str]) -> list[Run]:
    """The runs of some experiments, by name, that are RUNNING."""
    ids = [one.experiment_id for one in client.search_experiments() if one.name in experiments]
    return list(client.search_runs(ids, "attributes.status = 'RUNNING'")) if ids else []


def shown(run: Run) -> str:
    """A run with the process at work on it, for people: `svm-0 (process 4711 on node7)`."""
    process = Process.read(run.data.tags.get(PROCESS, ""))
    who = f"process {process.pid} on {run.data.tags.get(HOST)}" if process else "of an earlier version of ferlab"
    return f"{run.info.run_name} ({who})"


def sweep(client: MlflowClient, experiments: Sequence[str], file: Path | None) -> None:
    """Mark runs as killed whose processes have ended, once a store and process, and say so."""
    if client.tracking_uri in _swept:
        return
    _swept.add(client.tracking_uri)
    with suppress(MlflowException):  # a store that may only be read is read all the same
        for run in running(client, experiments):
            if is_dead(run, file):
                end_killed(client, run)
                print(
                    f"note: the run {run.info.run_name} was left RUNNING by a process that has ended without a word; "
                    "it is now marked as killed",
                    file=sys.stderr,
                )


def mark_killed(
    client: MlflowClient, runs: Sequence[Run], project: Project, file: Path | None, is_alive: Callable[[str], bool]
) -> None:
    """Mark runs as killed at whose run key nobody is at work any more, as this project's locks or the kernel tell."""
    for run in runs:
        if is_dead(run, file) or (is_ours(run, project, file) and not is_alive(run.data.tags.get(RUN_KEY, ""))):
            end_killed(client, run)
