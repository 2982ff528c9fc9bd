"""What is known of a run by its identity, also while its server is away."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Self

from mlflow import MlflowClient
from mlflow.entities import Run

from ferlab.adapters import owners
from ferlab.adapters.outbox import Outbox
from ferlab.adapters.store import AwayError, connect, experiment_named, has_answered
from ferlab.adapters.store_run import ENDED, find
from ferlab.errors import masked
from ferlab.project import Project
from ferlab.records.record import Record


class Known(Record):
    """A run as it was last seen.

    Attributes:
        run: MLflow's id; "" where its server hasn't made it yet.
        status: MLflow's word, such as FINISHED.
        began, ended: of the work on it, in milliseconds since 1970; None for what isn't known.
    """

    run: str
    status: str
    began: int | None
    ended: int | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """As its store has it; MLflow's own end would be that of the time worked, without what lay between."""
        ended = run.data.tags.get(ENDED)
        return cls(
            run=str(run.info.run_id),
            status=str(run.info.status),
            began=run.info.start_time,
            ended=int(ended) if ended else run.info.end_time,
        )


def keep(project: Project, experiment: str, identity: str, known: Known) -> None:
    """Keep what is known of a server's run, for when the server is away."""
    known.write(_file(project, experiment, identity))


def kept(project: Project, experiment: str, identity: str) -> Known | None:
    """What was kept of a run; None where nothing was."""
    path = _file(project, experiment, identity)
    return Known.read(path, next_step=f"remove {path}") if path.is_file() else None


def find_named(project: Project, experiment: str, identity: str) -> Known | None:
    """What is known of the run of an identity; None where there is none, or nobody can tell for now."""
    if project.tracking_file is None and Outbox.of(project, experiment, identity).exists:
        return kept(project, experiment, identity)
    client = reached(project)
    if client is None:
        return kept(project, experiment, identity)
    found = experiment_named(project, client, experiment)
    run = find(client, found.experiment_id, identity) if found else None
    return Known.of(run) if run else None


def mark_killed(project: Project, experiment: str, is_alive: Callable[[str], bool]) -> None:
    """Mark runs KILLED that a kill has left RUNNING: nobody is at work under their run key any more.

    Those of another machine or folder are left alone.
    """
    client = reached(project)
    if client and experiment_named(project, client, experiment):
        runs = owners.running(client, [experiment])
        owners.mark_killed(client, runs, project, project.tracking_file, is_alive)


def reached(project: Project) -> MlflowClient | None:
    """A client of the project's store; None of one that has answered before and is away.

    Raises:
        UserError: see `connect`.
    """
    try:
        return connect(project)
    except AwayError:
        if not has_answered(project):
            raise
        return None


def _file(project: Project, experiment: str, identity: str) -> Path:
    what = "\n".join((masked(project.tracking_uri), experiment, identity))
    return project.state / "tracked" / f"{hashlib.sha256(what.encode()).hexdigest()[:24]}.json"
