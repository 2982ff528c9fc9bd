"""Runs that were tracked in a store elsewhere, entered into the project's own: each once, however often they arrive."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run
from mlflow.store.db.utils import _get_latest_schema_revision
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_PARENT_RUN_ID
from sqlalchemy.engine import URL

from ferlab.adapters.store import connect, make_experiment
from ferlab.adapters.store_run import BATCH, IDENTITY, find
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
        The runs' ids, there to here.
    """
    theirs = _client(sent / DATABASE)
    client, ids = connect(project), dict[str, str]()
    for experiment in theirs.search_experiments():
        runs = theirs.search_runs([experiment.experiment_id], max_results=BATCH)
        if not runs:
            continue
        ours = make_experiment(project, client, experiment.name)
        for run in reversed(runs):  # the first first
            artifacts = sent / ARTIFACTS / experiment.name / run.info.run_id / "artifacts"
            identity = run.data.tags[IDENTITY]
            with FileLock(project.state / "locks" / f"adopt-{identity}.lock"):
                ids[run.info.run_id] = _enter(client, ours, theirs, run, artifacts, code, ids)
    return ids


def _enter(
    client: MlflowClient,
    experiment: str,
    theirs: MlflowClient,
    run: Run,
    artifacts: Path,
    code: Mapping[str, str],
    ids: Mapping[str, str],
) -> str:
    tags = {key: value for key, value in run.data.tags.items() if key != "mlflow.log-model.history"}
    tags |= {key: value for key, value in code.items() if key in tags}
    if len(code.get("commit", "")) >= 40:
        tags[MLFLOW_GIT_COMMIT] = code["commit"]
    if parent := tags.get(MLFLOW_PARENT_RUN_ID):
        tags[MLFLOW_PARENT_RUN_ID] = ids.get(parent, parent)  # it arrived before, or is known here by that name
    known = find(client, experiment, tags[IDENTITY])
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
        fresh += [one for one in theirs.get_metric_history(run.info.run_id, name) if one.step not in logged]
    for start in range(0, len(fresh), BATCH):
        client.log_batch(own, metrics=[_plain(metric) for metric in fresh[start : start + BATCH]])
    if artifacts.is_dir():
        client.log_artifacts(own, str(artifacts))
    status = "KILLED" if run.info.status == "RUNNING" else run.info.status
    client.set_terminated(own, status, run.info.end_time)
    return own


def _client(database: Path) -> MlflowClient:
    return MlflowClient(URL.create("sqlite", database=str(database)).render_as_string())


def _plain(metric: Metric) -> Metric:
    """Without what another store says of it."""
    return Metric(metric.key, metric.value, metric.timestamp, metric.step)
