"""MLflow: one run an identity, taken up again after a kill, with one value a step."""

import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_PARENT_RUN_ID

from ferlab.adapters import owners
from ferlab.adapters.owners import RUN_KEY, is_dead, is_ours, owner_tags, source_tags
from ferlab.adapters.store import briefly, connect, database_of, experiment_named, make_experiment
from ferlab.errors import UserError, masked
from ferlab.project import Project
from ferlab.training.observe import Pruned

IDENTITY = "ferlab.identity"
SECONDS = "ferlab.seconds"  # that processes have worked on a run, until a kill if there was one
ENDED = "ferlab.ended"  # when the work ended, in milliseconds since 1970
PRUNED = "ferlab.pruned"
DVC_EXPERIMENT = "dvc.experiment"
BATCH = 1000  # metrics a call: MLflow's own limit


@dataclass
class TrackedRun:
    """An open run. Values are held back until `flush`, so that a call of the observer costs nothing."""

    client: MlflowClient
    run: Run
    afterwards: bool = False
    began: float = field(default_factory=time.monotonic)
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

    def end(self, status: str, text: str = "", tags: Mapping[str, str] | None = None) -> None:
        """Send what waits and end the run, as late after its start as was worked on it; `text` is a traceback."""
        info, known = self.run.info, self.run.data.tags
        fresh, end_time = dict(tags or {}), int(time.time() * 1000)
        if not self.afterwards:
            worked = float(known.get(SECONDS, 0)) + time.monotonic() - self.began
            fresh |= {SECONDS: f"{worked:.1f}", ENDED: str(end_time)}
            end_time = int(info.start_time + 1000 * worked)
        elif SECONDS in known:
            end_time = int(info.start_time + 1000 * float(known[SECONDS]))
        try:
            for key, value in fresh.items():
                self.client.set_tag(self.id, key, value)
            self.flush()
            if text:
                self.client.log_text(self.id, text, "traceback.txt")
        finally:
            self.client.set_terminated(self.id, status, end_time)

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
    afterwards: bool = False,
) -> Iterator[TrackedRun]:
    """Open the run of an identity: a new one, or the very one that was cut off or has to be repeated.

    The caller must hold the lock of the run key `name`: this project's runs of the same key that still look RUNNING are
    then known to be dead, and are marked KILLED. Those of another machine or folder are left alone.

    Args:
        params: dotted keys and values.
        datasets: (name, context such as `training`, content hash).
        afterwards: whether something is added to a run whose work is done, which costs it no time.

    The run ends FINISHED, tagged `ferlab.pruned` if it was pruned; after an error FAILED with the traceback as an
    artifact; after Ctrl-C or SIGTERM KILLED. MLflow's duration is the time worked on it, without what lies between.

    Raises:
        UserError: the store can't be reached, at first or any more.
    """
    client = connect(project)
    experiment_id = make_experiment(project, client, experiment)
    own = owner_tags(project)
    with FileLock(project.state / "tracking.lock"):  # nobody marks it between its new owner's tags and its status
        run = _to_take_up(project, client, experiment_id, name, identity)
        if run is None:
            every_tag = {IDENTITY: identity, RUN_KEY: name, **source_tags(tags), **own, **tags}
            every_tag |= {MLFLOW_PARENT_RUN_ID: parent} if parent else {}
            run = client.create_run(experiment_id, tags=every_tag, run_name=name)
        else:
            for key, value in own.items():
                client.set_tag(run.info.run_id, key, value)
            client.update_run(run.info.run_id, status="RUNNING")
    tracked_run = TrackedRun(client, run, afterwards=afterwards)
    try:
        if experiment_of_dvc := os.environ.get("DVC_EXP_NAME"):
            client.set_tag(run.info.run_id, DVC_EXPERIMENT, experiment_of_dvc)
        with FileLock(project.state / "tracking.lock"):  # two that enter the same data set at once would break it
            _describe(client, run, params, datasets)
        yield tracked_run
        tracked_run.flush()
        tracked_run.end("FINISHED")
    except Pruned:
        tracked_run.end("FINISHED", tags={PRUNED: "true"})
        raise
    except MlflowException as error:
        with briefly(), suppress(MlflowException):  # the store may be back, or have refused this one call
            tracked_run.end("FAILED", masked(traceback.format_exc()))
        raise UserError(
            f"the tracking store failed at the run {name}: {error.message}",
            where=project.tracking_uri,
            next_step="once it answers (`ferlab doctor`), the same command continues from the last checkpoint",
        ) from error
    except Exception:
        tracked_run.end("FAILED", masked(traceback.format_exc()))
        raise
    except BaseException:
        tracked_run.end("KILLED")
        raise


def _to_take_up(project: Project, client: MlflowClient, experiment_id: str, name: str, identity: str) -> Run | None:
    """The run of an identity at which nobody is at work; what a kill has left RUNNING under its run key is marked."""
    file = database_of(project)
    stale = client.search_runs([experiment_id], f"tags.`{RUN_KEY}` = '{name}' AND attributes.status = 'RUNNING'")
    owners.mark_killed(client, stale, project, file, lambda _: False)
    for run in client.search_runs([experiment_id], f"tags.`{IDENTITY}` = '{identity}'"):
        if run.info.status != "RUNNING" or is_dead(run, file) or is_ours(run, project, file):
            return run
    return None


def span(run: Run) -> tuple[int | None, int | None]:
    """When the work on a run began and really ended: milliseconds since 1970, None for what isn't known."""
    ended = run.data.tags.get(ENDED)
    return run.info.start_time, int(ended) if ended else run.info.end_time


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


def find(client: MlflowClient, experiment_id: str, identity: str) -> Run | None:
    """The run of an identity, or None."""
    found = client.search_runs([experiment_id], f"tags.`{IDENTITY}` = '{identity}'", max_results=1)
    return found[0] if found else None


def find_named(project: Project, experiment: str, identity: str) -> Run | None:
    """The run of an identity in an experiment by name, or None."""
    client = connect(project)
    found = experiment_named(project, client, experiment)
    return find(client, found.experiment_id, identity) if found else None


def mark_killed(project: Project, experiment: str, is_alive: Callable[[str], bool]) -> None:
    """Mark runs KILLED that a kill has left RUNNING: nobody is at work under their run key any more.

    Those of another machine or folder are left alone.
    """
    client = connect(project)
    experiment_named(project, client, experiment)  # it may be in the trash
    runs = owners.running(client, [experiment])
    owners.mark_killed(client, runs, project, database_of(project), is_alive)
