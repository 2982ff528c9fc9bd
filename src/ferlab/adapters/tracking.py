"""MLflow: one run an identity, taken up again after a kill, with one value a step."""

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

from ferlab.errors import UserError
from ferlab.project import Project
from ferlab.training.observe import Pruned

IDENTITY = "ferlab.identity"
RUN_KEY = "ferlab.slot"  # a tag of published runs, so its name stays
SECONDS = "ferlab.seconds"  # that processes have worked on a run, until a kill if there was one
BATCH = 1000  # metrics a call: MLflow's own limit

for noisy in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent", "mlflow.pyfunc"):
    logging.getLogger(noisy).setLevel(logging.WARNING)


@dataclass
class TrackedRun:
    """An open run. Values are held back until `flush`, so that a call of the observer costs nothing."""

    client: MlflowClient
    run: Run
    logged: dict[str, int] = field(default_factory=dict)  # metric -> its last step: a run taken up logs none twice
    waiting: list[Metric] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.run.info.run_id)

    def observe(self, step: int, values: Mapping[str, float]) -> None:
        """An observer: keeps each value once a step."""
        now = int(time.time() * 1000)
        for name, value in values.items():
            if name != "epoch" and step > self._last(name):
                self.waiting.append(Metric(name, value, now, step))
                self.logged[name] = step
        if len(self.waiting) >= BATCH:
            self.flush()

    def _last(self, name: str) -> int:
        """The last step of a metric in the store; asked once, and only for a metric that is logged again."""
        if name not in self.logged:
            known = self.client.get_metric_history(self.id, name) if name in self.run.data.metrics else []
            self.logged[name] = max((metric.step for metric in known), default=-1)
        return self.logged[name]

    def flush(self) -> None:
        """Send what waits."""
        while self.waiting:
            batch, self.waiting = self.waiting[:BATCH], self.waiting[BATCH:]
            self.client.log_batch(self.id, metrics=batch)

    def figures(self, values: Mapping[str, float]) -> None:
        """Log values of the run as a whole: a known one isn't repeated, a changed one is logged a step later."""
        now = int(time.time() * 1000)
        known = self.run.data.metrics
        changed = {k: float(v) for k, v in values.items() if known.get(k) != float(v)}
        fresh = [Metric(k, v, now, self._last(k) + 1) for k, v in changed.items()]
        self.client.log_batch(self.id, metrics=fresh)

    def text(self, content: str, name: str) -> None:
        """Keep a text as an artifact of this name."""
        self.client.log_text(self.id, content, name)

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Copy a file or a folder's files into the run's artifacts."""
        if path.is_dir():
            self.client.log_artifacts(self.id, str(path), folder)
        else:
            self.client.log_artifact(self.id, str(path), folder)


def connect(project: Project) -> MlflowClient:
    """A client of the project's store. The first caller makes its schema while others wait.

    Raises:
        UserError: mlruns/ holds a store of an older MLflow, which the default store can't live beside; or the store
            can't be reached.
    """
    old = sorted((project.home / "mlruns").glob("*/meta.yaml"))
    if old:
        raise UserError(
            "mlruns/ holds runs in the file format of an older MLflow, which `mlflow ui` no longer opens",
            where=str(old[0]),
            next_step="keep them: `mlflow migrate-filestore --source mlruns --target sqlite:///mlflow-old.db`, "
            "then move that folder out of mlruns/",
        )
    project.state.mkdir(parents=True, exist_ok=True)
    with FileLock(project.state / "tracking.lock"):
        try:
            client = MlflowClient(project.tracking_uri)
            client.search_experiments(max_results=1)
        except Exception as error:  # each store raises its own kind
            raise UserError(
                f"the tracking store can't be reached: {error}",
                where=project.tracking_uri,
                next_step="check MLFLOW_TRACKING_URI, or unset it to use the project's own store",
            ) from error
    return client


def _experiment(project: Project, client: MlflowClient, name: str) -> str:
    with FileLock(project.state / "tracking.lock"):
        found = client.get_experiment_by_name(name)
        if found:
            return str(found.experiment_id)
        # the default store would put artifacts below the working directory; a server knows its own place
        local = project.tracking_uri.startswith("sqlite:///" + str(project.home))
        place = (project.home / "mlruns" / name).as_uri() if local else None
        return str(client.create_experiment(name, artifact_location=place))


@contextmanager
def tracked(
    project: Project,
    experiment: str,
    name: str,
    *,
    identity: str,
    params: Mapping[str, Any],
    tags: Mapping[str, str],
    datasets: Sequence[tuple[str, str, str]] = (),
    parent: str | None = None,
) -> Iterator[TrackedRun]:
    """Open the run of an identity: a new one, or the very one that was cut off or has to be repeated.

    The caller must hold the lock of the run key `name`: runs of the same key that still look RUNNING are then known to
    be dead, and are marked KILLED.

    Args:
        params: dotted keys and values.
        datasets: (name, context such as `training`, content hash).

    The run ends FINISHED, tagged `ferlab.pruned` if it was pruned; after an error FAILED with the traceback as an
    artifact; after Ctrl-C or SIGTERM KILLED.
    """
    client = connect(project)
    experiment_id = _experiment(project, client, experiment)
    for stale in client.search_runs([experiment_id], f"tags.`{RUN_KEY}` = '{name}' AND attributes.status = 'RUNNING'"):
        client.set_terminated(stale.info.run_id, "KILLED")
    run = find(client, experiment_id, identity)
    if run is None:
        every_tag = {IDENTITY: identity, RUN_KEY: name, **tags} | ({"mlflow.parentRunId": parent} if parent else {})
        run = client.create_run(experiment_id, tags=every_tag, run_name=name)
    else:
        client.update_run(run.info.run_id, status="RUNNING")
    with FileLock(project.state / "tracking.lock"):  # two that enter the same data set at once would break it
        _describe(client, run, params, datasets)
    tracked_run = TrackedRun(client, run)
    began = time.monotonic()
    try:
        try:
            yield tracked_run
        finally:  # its start and end would count what lies between training and evaluation too
            worked = float(run.data.tags.get(SECONDS, 0)) + time.monotonic() - began
            client.set_tag(run.info.run_id, SECONDS, f"{worked:.1f}")
        tracked_run.flush()
    except Pruned:
        tracked_run.client.set_tag(tracked_run.id, "ferlab.pruned", "true")
        _end(tracked_run, "FINISHED", None)
        raise
    except Exception:
        _end(tracked_run, "FAILED", traceback.format_exc())
        raise
    except BaseException:
        _end(tracked_run, "KILLED", None)
        raise
    client.set_terminated(tracked_run.id, "FINISHED")


def _describe(
    client: MlflowClient, run: Run, params: Mapping[str, Any], datasets: Sequence[tuple[str, str, str]]
) -> None:
    """Log parameters and datasets of a run that has none: a new one, or one killed before it had them."""
    if not run.data.params:
        client.log_batch(run.info.run_id, params=[Param(key, str(value)) for key, value in params.items()])
    if not (run.inputs and run.inputs.dataset_inputs):
        inputs = [
            DatasetInput(
                Dataset(title, digest[:36], "local", title, schema="{}"), [InputTag(MLFLOW_DATASET_CONTEXT, context)]
            )
            for title, context, digest in datasets
        ]
        client.log_inputs(run.info.run_id, datasets=inputs)


def _end(tracked_run: TrackedRun, status: str, text: str | None) -> None:
    try:
        tracked_run.flush()
        if text:
            tracked_run.client.log_text(tracked_run.id, text, "traceback.txt")
    finally:
        tracked_run.client.set_terminated(tracked_run.id, status)


def find(client: MlflowClient, experiment_id: str, identity: str) -> Run | None:
    """The run of an identity, or None."""
    found = client.search_runs([experiment_id], f"tags.`{IDENTITY}` = '{identity}'", max_results=1)
    return found[0] if found else None


def find_named(project: Project, experiment: str, identity: str) -> Run | None:
    """The run of an identity in an experiment by name, or None; also None where there is no store yet."""
    client = connect(project)
    try:
        found = client.get_experiment_by_name(experiment)
    except MlflowException:
        return None
    return find(client, found.experiment_id, identity) if found else None


def mark_killed(project: Project, experiment: str, is_alive: Callable[[str], bool]) -> None:
    """Mark runs KILLED that a kill has left RUNNING: nobody is at work under their run key any more."""
    client = connect(project)
    found = client.get_experiment_by_name(experiment)
    for run in client.search_runs([found.experiment_id], "attributes.status = 'RUNNING'") if found else []:
        if not is_alive(run.data.tags.get(RUN_KEY, "")):
            client.set_terminated(run.info.run_id, "KILLED")
