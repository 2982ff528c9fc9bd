"""Telling a tracking server of the runs that went on while it was away."""

import sys

from filelock import Timeout
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from requests import RequestException

from ferlab.adapters.known import Known, keep
from ferlab.adapters.outbox import Outbox, all_of
from ferlab.adapters.store import connect
from ferlab.adapters.store_run import Ending, open_run
from ferlab.errors import UserError, masked
from ferlab.project import Project


def tell(project: Project) -> list[str]:
    """Tell the project's store of each run in an outbox that no process writes; says on stderr what became of them.

    Returns:
        The names of the runs that still wait.
    """
    told, waiting, why = list[str](), list[str](), ""
    client: MlflowClient | None = None
    for outbox in all_of(project):
        try:
            with outbox.lock.acquire(timeout=0):
                if not outbox.exists:  # another process was quicker
                    continue
                name, store = outbox.read().opening.name, outbox.read().store
                if store != masked(project.tracking_uri):
                    why = f"MLFLOW_TRACKING_URI isn't {store}"
                    waiting.append(name)
                    continue
                try:
                    client = client or connect(project)
                    _tell(project, client, outbox)
                    told.append(name)
                except (UserError, MlflowException, RequestException) as error:
                    why = masked(str(error)).splitlines()[0]
                    waiting.append(name)
        except Timeout:
            continue  # its run goes on, or another process tells it
    if told:
        print(f"note: the tracking store was told what it had missed of {', '.join(told)}", file=sys.stderr)
    if waiting:
        names = ", ".join(waiting)
        print(f"note: the tracking store hasn't been told yet of {names}: {why}; a later command will", file=sys.stderr)
    return waiting


def _tell(project: Project, client: MlflowClient, outbox: Outbox) -> None:
    unsent = outbox.read()
    run = open_run(project, client, unsent.opening)
    run.metrics(outbox.values)
    run.figures({name: float(value) for name, value in unsent.figures.items()})
    if outbox.artifacts.is_dir():
        run.artifact(outbox.artifacts, None)
    if unsent.model:
        run.model(unsent.model.arm_tag, unsent.model.valid_accuracy, outbox.classifier)
    cut_off = Ending(id=unsent.id, status="KILLED", at=unsent.opening.began, worked=None)  # without an end of its own
    run.end(*(unsent.endings or [cut_off]))
    known = Known.of(client.get_run(run.id))
    keep(project, unsent.opening.experiment, unsent.opening.identity, known)
    outbox.remove()
