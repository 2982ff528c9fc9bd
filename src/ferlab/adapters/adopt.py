"""Runs that were tracked in a store elsewhere, entered into the project's own: each once, however often they arrive.

A server that is away loses none: its outbox keeps them, as it does what this machine tracks meanwhile.
"""

import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import DatasetInput, Metric, Param, Run
from mlflow.store.db.utils import _get_latest_schema_revision
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_GIT_COMMIT, MLFLOW_PARENT_RUN_ID
from sqlalchemy.engine import URL

from ferlab.adapters.known import Known, keep
from ferlab.adapters.outbox import Outbox
from ferlab.adapters.owners import HOST, PLACE, PROCESS
from ferlab.adapters.store import connect, is_missed, make_experiment
from ferlab.adapters.store_run import BATCH, ENDED, ENDING, IDENTITY, SECONDS, Ending, Opening, find
from ferlab.errors import masked
from ferlab.project import Project

DATABASE, ARTIFACTS = "mlflow.db", "mlruns"  # a store's file and folder, as below a project's root


def empty_store(project: Project) -> Path:
    """The file of a store without runs, made once: its schema costs seconds."""
    file = project.state / f"empty-{_get_latest_schema_revision()}.db"  # type: ignore[no-untyped-call]
    if not file.is_file():
        project.state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=project.state) as folder:
            fresh = Path(folder) / DATABASE
            _client(fresh).search_experiments(max_results=1)
            shutil.move(fresh, file)
    return file


def adopt(project: Project, sent: Path, code: Mapping[str, str]) -> dict[str, str]:
    """Enter a store's runs into the project's own; one that has ended there already stays as it is.

    Args:
        sent: a folder with a store's database and artifacts.
        code: what is known here of the commit, for runs that carry such tags.

    Returns:
        The runs' ids, there to here; without those that a server which is away will be told of later.
    """
    theirs, ids = _client(sent / DATABASE), dict[str, str]()
    for experiment in theirs.search_experiments():
        runs = theirs.search_runs([experiment.experiment_id], max_results=BATCH)
        for run in reversed(runs):  # the first first
            artifacts = sent / ARTIFACTS / experiment.name / run.info.run_id / "artifacts"
            arrived = _Arrived(experiment.name, theirs, run, artifacts, _tags(run, code, ids))
            with FileLock(project.state / "locks" / f"adopt-{arrived.identity}.lock"):
                if own := _take(project, arrived):
                    ids[run.info.run_id] = own
    return ids


@dataclass(frozen=True)
class _Arrived:
    """A run from elsewhere, with the tags that it is to have here."""

    experiment: str
    store: MlflowClient
    run: Run
    artifacts: Path
    tags: dict[str, str]

    @property
    def identity(self) -> str:
        return self.tags[IDENTITY]

    @property
    def status(self) -> str:
        return "KILLED" if self.run.info.status == "RUNNING" else str(self.run.info.status)

    def values(self, name: str) -> list[Metric]:
        """Those of a metric, the first step first."""
        found = sorted(self.store.get_metric_history(self.run.info.run_id, name), key=lambda metric: metric.step)
        return [Metric(one.key, one.value, one.timestamp, one.step) for one in found]


def _tags(run: Run, code: Mapping[str, str], ids: Mapping[str, str]) -> dict[str, str]:
    tags = {key: value for key, value in run.data.tags.items() if key != "mlflow.log-model.history"}
    tags |= {key: value for key, value in code.items() if key in tags}
    if len(code.get("commit", "")) >= 40:
        tags[MLFLOW_GIT_COMMIT] = code["commit"]
    if parent := tags.get(MLFLOW_PARENT_RUN_ID):
        tags[MLFLOW_PARENT_RUN_ID] = ids.get(parent, parent)  # it arrived before, or is known here by that name
    return tags


def _take(project: Project, arrived: _Arrived) -> str | None:
    """Enter a run, or keep it for a server that is away; returns its id here, if it has one."""
    if project.tracking_file:
        return _enter(project, arrived)
    outbox = Outbox.of(project, arrived.experiment, arrived.identity)
    with outbox.lock:
        try:
            if not outbox.exists:
                return _enter(project, arrived)
        except Exception as error:
            if not is_missed(project, error):
                raise
            said = masked(str(error)).splitlines()[0]
            print(
                f"note: the tracking store will be told later of {arrived.run.info.run_name}: {said}", file=sys.stderr
            )
        _keep(project, outbox, arrived)
    return None


def _enter(project: Project, arrived: _Arrived) -> str:
    client, run, tags = connect(project), arrived.run, arrived.tags
    experiment = make_experiment(project, client, arrived.experiment)
    known = find(client, experiment, arrived.identity)
    if known is not None and known.info.status == "FINISHED":
        return str(known.info.run_id)
    if known is None:
        known = client.create_run(experiment, start_time=run.info.start_time, tags=tags, run_name=run.info.run_name)
    own = str(known.info.run_id)
    for key, value in tags.items():
        client.set_tag(own, key, value)
    if not known.data.params:
        client.log_batch(own, params=[Param(key, value) for key, value in run.data.params.items()])
    if run.inputs and run.inputs.dataset_inputs and not (known.inputs and known.inputs.dataset_inputs):
        client.log_inputs(own, datasets=run.inputs.dataset_inputs)
    fresh = list[Metric]()
    for name in run.data.metrics:
        logged = {one.step for one in client.get_metric_history(own, name)} if name in known.data.metrics else set()
        fresh += [one for one in arrived.values(name) if one.step not in logged]
    for start in range(0, len(fresh), BATCH):
        client.log_batch(own, metrics=fresh[start : start + BATCH])
    if arrived.artifacts.is_dir():
        client.log_artifacts(own, str(arrived.artifacts))
    client.set_terminated(own, arrived.status, run.info.end_time)
    return own


def _keep(project: Project, outbox: Outbox, arrived: _Arrived) -> None:
    """Put a run into an outbox, unless it lies there."""
    run, tags = arrived.run, arrived.tags
    inputs = run.inputs.dataset_inputs if run.inputs else []
    own = (IDENTITY, SECONDS, ENDED, ENDING, HOST, PROCESS, PLACE)  # the store has those of who tells it
    opening = Opening(
        experiment=arrived.experiment,
        name=str(run.info.run_name),
        identity=arrived.identity,
        params=run.data.params,
        tags={key: value for key, value in tags.items() if key not in own},
        datasets=[(one.dataset.name, _context(one), one.dataset.digest) for one in inputs],
        began=run.info.start_time,
    )
    ended = int(tags[ENDED]) if ENDED in tags else None
    ending = Ending(
        id=tags.get(ENDING, run.info.run_id),
        status=arrived.status,
        at=ended or run.info.end_time or run.info.start_time,
        worked=float(tags[SECONDS]) if SECONDS in tags else None,
    )
    outbox.open(project, opening)
    if ending.id in [one.id for one in outbox.read().endings]:
        return
    outbox.metrics([one for name in run.data.metrics for one in arrived.values(name)])
    if arrived.artifacts.is_dir():
        outbox.artifact(arrived.artifacts, None)
    outbox.end(ending)
    known = Known(run="", status=arrived.status, began=run.info.start_time, ended=ended)
    keep(project, arrived.experiment, arrived.identity, known)


def _context(data: DatasetInput) -> str:
    return next((str(tag.value) for tag in data.tags if tag.key == MLFLOW_DATASET_CONTEXT), "")


def _client(database: Path) -> MlflowClient:
    return MlflowClient(URL.create("sqlite", database=str(database)).render_as_string())
