"""A run of a store that answers: opened by its identity, told anything twice without keeping it twice."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT
from pydantic import Field

from ferlab.adapters import owners
from ferlab.adapters.owners import RUN_KEY
from ferlab.adapters.store import make_experiment
from ferlab.project import NODE, Project
from ferlab.records.record import Record

IDENTITY = "ferlab.identity"
SECONDS = "ferlab.seconds"  # that processes have worked on a run, until a kill if there was one
ENDED = "ferlab.ended"  # when the work ended, in milliseconds since 1970
ENDING = "ferlab.ending"  # the last ending that a run was told
DVC_EXPERIMENT = "dvc.experiment"
_ASKED = "ferlab.asked"  # names one wish for a new run
BATCH = 1000  # metrics a call: MLflow's own limit


class Opening(Record):
    """What opens a run: enough to find it, or to make it.

    Attributes:
        began: when its work began, in milliseconds since 1970.
        datasets: (name, context such as `training`, content hash).
    """

    experiment: str
    name: str
    identity: str
    params: dict[str, str]
    tags: dict[str, str]
    datasets: list[tuple[str, str, str]]
    began: int


class Ending(Record):
    """How a run ended.

    Attributes:
        id: of this ending alone.
        status: MLflow's word, such as FINISHED.
        at: milliseconds since 1970.
        worked: seconds; None of work that is added to a run already done, and counts for nothing.
        tags: further tags.
    """

    id: str
    status: str
    at: int
    worked: float | None
    tags: dict[str, str] = Field(default_factory=dict)


class Teller(Protocol):
    """What can be told of a run, at once or later."""

    def metrics(self, batch: Sequence[Metric]) -> None:
        """Values by step; of a metric and step, the first counts."""

    def figures(self, values: Mapping[str, float]) -> None:
        """Values of the run as a whole: a known one isn't repeated, a changed one is logged a step later."""

    def text(self, content: str, name: str) -> None:
        """Keep a text as an artifact of this name."""

    def artifact(self, path: Path, folder: str | None) -> None:
        """Copy a file or a folder's files into the run's artifacts."""

    def model(self, arm_tag: str, valid_accuracy: float, folder: Path) -> None:
        """Log the classifier in `folder`, if it is the arm's best (`models.log_if_best`)."""

    def end(self, ending: Ending) -> None:
        """End it, as late after its start as was worked on it."""


@dataclass
class StoreRun:
    """A `Teller` that asks a store at once."""

    client: MlflowClient
    run: Run
    last: dict[str, int] = field(default_factory=dict)  # metric -> its last step: a run taken up logs none twice

    @property
    def id(self) -> str:
        return str(self.run.info.run_id)

    def metrics(self, batch: Sequence[Metric]) -> None:
        fresh = list[Metric]()
        for metric in batch:
            if metric.step > self._last(metric.key):
                fresh.append(metric)
                self.last[metric.key] = metric.step
        for start in range(0, len(fresh), BATCH):
            self.client.log_batch(self.id, metrics=fresh[start : start + BATCH])

    def _last(self, name: str) -> int:
        """The last step of a metric in the store; asked once, and only for a metric that is logged again."""
        if name not in self.last:
            known = self.client.get_metric_history(self.id, name) if name in self.run.data.metrics else []
            self.last[name] = max((metric.step for metric in known), default=-1)
        return self.last[name]

    def figures(self, values: Mapping[str, float]) -> None:
        now, known = int(time.time() * 1000), self.run.data.metrics
        changed = {name: float(value) for name, value in values.items() if known.get(name) != float(value)}
        fresh = [Metric(name, value, now, self._last(name) + 1) for name, value in changed.items()]
        self.client.log_batch(self.id, metrics=fresh)

    def text(self, content: str, name: str) -> None:
        self.client.log_text(self.id, content, name)

    def artifact(self, path: Path, folder: str | None) -> None:
        if path.is_dir():
            self.client.log_artifacts(self.id, str(path), folder)
        else:
            self.client.log_artifact(self.id, str(path), folder)

    def model(self, arm_tag: str, valid_accuracy: float, folder: Path) -> None:
        if os.environ.get(NODE):  # it knows no earlier run; the driver does, and logs it
            return
        from ferlab.adapters.models import log_if_best  # late: only a classifier's training has one

        log_if_best(self.client, self.run, arm_tag, valid_accuracy, folder)

    def end(self, *endings: Ending) -> None:
        """`endings` of several sittings, the last one last. The time of those that it was told before counts once."""
        last, known = endings[-1], self.run.data.tags
        names = [ending.id for ending in endings]
        fresh = endings[names.index(known[ENDING]) + 1 :] if known.get(ENDING) in names else endings
        working = [ending for ending in fresh if ending.worked is not None]
        worked = float(known.get(SECONDS, 0)) + sum(ending.worked or 0 for ending in working)
        tags = {**last.tags, ENDING: last.id}
        if working:
            tags |= {SECONDS: f"{worked:.1f}", ENDED: str(working[-1].at)}
        timed = SECONDS in known or SECONDS in tags
        try:
            self.client.log_batch(self.id, tags=[RunTag(*tag) for tag in tags.items()])
        finally:
            end_time = int(self.run.info.start_time + 1000 * worked) if timed else last.at
            self.client.set_terminated(self.id, last.status, end_time)


def open_run(project: Project, client: MlflowClient, opening: Opening) -> StoreRun:
    """The run of an identity, RUNNING: a new one, or one that is there and at which nobody is at work."""
    experiment_id = make_experiment(project, client, opening.experiment)
    own = owners.owner_tags(project)
    with FileLock(project.state / "tracking.lock"):  # nobody marks it between its new owner's tags and its status
        run = _to_take_up(project, client, experiment_id, opening)
        if run is None:
            run = _make(client, experiment_id, opening, own)
        else:
            for key, value in own.items():
                client.set_tag(run.info.run_id, key, value)
            client.update_run(run.info.run_id, status="RUNNING")
    if dvc := opening.tags.get(DVC_EXPERIMENT):
        client.set_tag(run.info.run_id, DVC_EXPERIMENT, dvc)
    with FileLock(project.state / "tracking.lock"):  # two that enter the same data set at once would break it
        _describe(client, run, opening)
    return StoreRun(client, run)


def _to_take_up(project: Project, client: MlflowClient, experiment_id: str, opening: Opening) -> Run | None:
    """The run of an identity at which nobody is at work; what a kill has left RUNNING under its run key is marked."""
    file = project.tracking_file
    stale = client.search_runs(
        [experiment_id], f"tags.`{RUN_KEY}` = '{opening.name}' AND attributes.status = 'RUNNING'"
    )
    owners.mark_killed(client, stale, project, file, lambda _: False)
    for run in client.search_runs([experiment_id], f"tags.`{IDENTITY}` = '{opening.identity}'"):
        if run.info.status != "RUNNING" or owners.is_dead(run, file) or owners.is_ours(run, project, file):
            return run
    return None


def find(client: MlflowClient, experiment_id: str, identity: str) -> Run | None:
    """The run of an identity, or None."""
    found = client.search_runs([experiment_id], f"tags.`{IDENTITY}` = '{identity}'", max_results=1)
    return found[0] if found else None


def _make(client: MlflowClient, experiment_id: str, opening: Opening, owner: Mapping[str, str]) -> Run:
    """A new run. MLflow asks a server again that fell silent, which may have made one already: a second one goes."""
    asked = uuid4().hex
    tags = {IDENTITY: opening.identity, RUN_KEY: opening.name, _ASKED: asked, **owner, **opening.tags}
    run = client.create_run(experiment_id, start_time=opening.began, tags=tags, run_name=opening.name)
    for other in client.search_runs([experiment_id], f"tags.`{_ASKED}` = '{asked}'"):
        if other.info.run_id != run.info.run_id:
            client.delete_run(other.info.run_id)
    client.delete_tag(run.info.run_id, _ASKED)
    return run


def _describe(client: MlflowClient, run: Run, opening: Opening) -> None:
    """Log parameters and datasets of a run that has none: a new one, or one killed before it had them."""
    if not run.data.params:
        client.log_batch(run.info.run_id, params=[Param(*one) for one in opening.params.items()])
    if not (run.inputs and run.inputs.dataset_inputs):
        inputs = [
            DatasetInput(
                Dataset(title, digest[:36], "local", title, schema="{}"), [InputTag(MLFLOW_DATASET_CONTEXT, context)]
            )
            for title, context, digest in opening.datasets
        ]
        client.log_inputs(run.info.run_id, datasets=inputs)
