"""Trials that are trained elsewhere make the search that they make here. A copy of the project stands in for a node."""

import io
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from math import inf
from pathlib import Path
from threading import Event as Stop

import optuna
import pytest
import torch

from ferlab.adapters.store import connect
from ferlab.adapters.tuning import TrialRow
from ferlab.errors import UserError
from ferlab.execution.task import Event, Outcome, Task, Tell
from ferlab.project import Project
from ferlab.stages import trial, tune
from ferlab.stages.context import Context, run_stage
from ferlab.stages.table import find
from temporary import TemporaryProject

TUNE = {
    "trials": 6,
    "epochs": 6,
    "pruner": {"kind": "successive_halving", "min_epochs": 1, "reduction": 2},
    "space": {"lr": [0.01, 0.05, 0.3, 10.0]},
}
OF_TRIALS = "FROM runs r JOIN (SELECT * FROM tags WHERE key = 'trial') t USING (run_uuid)"


@pytest.fixture(scope="module", autouse=True)
def _as_it_was() -> Iterator[None]:
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "FERLAB_STUDY_STORAGE"):
            patch.delenv(name, raising=False)
        yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="module")
def prepared(untouched: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """Splits made, MLflow's schema made. Read-only."""
    project = untouched.copy(tmp_path_factory.mktemp("prepared") / "project")
    project.change({"tune": TUNE, "classifiers": {"resnet50": {"schedule": "constant", "weight_decay": 0.0}}})
    for stage in ("prepare", "code"):
        run_stage(Project(project.root), find(stage), [], quiet=True)
    connect(Project(project.root))
    shutil.rmtree(project.root / "src")
    return project


def call(project: TemporaryProject) -> Context:
    return Context(Project(project.root), tune.STAGE, {"classifier": "resnet50"}, project.params, quiet=True)


class Node:
    """An executor that trains in this process, in a project of its own. Of what it prints only some lines arrive."""

    def __init__(self, project: TemporaryProject) -> None:
        self.project, self.trained = project, list[str]()

    def run(self, tasks: Sequence[Task], tell: Tell, deadline: float = inf) -> Outcome:
        (task,) = tasks
        *_, name, values = task.command
        with redirect_stdout(io.StringIO()) as printed:
            trial.run(call(self.project), name, json.loads(values))
        self.trained.append(name)
        text = printed.getvalue()
        for line in text.splitlines()[1:2]:
            tell(Event("printed", task, text=line))
        tell(Event("done", task, text=text))
        return Outcome(done=[task.name])


class Broken:
    """An executor whose machine has no memory left."""

    def run(self, tasks: Sequence[Task], tell: Tell, deadline: float = inf) -> Outcome:
        tell(Event("failed", tasks[0], text="its process was killed", code=-9))
        return Outcome(failed=[tasks[0].name])


def search(project: TemporaryProject, executor: "Node | Broken | None", store: str | None = None) -> list[TrialRow]:
    context = call(project)
    storage, name = tune.storage_of(context), tune.study_name(context)
    with tune.bench(context, storage, name) as at:
        if executor is None:
            return tune.search_on(at, storage, wait=False)
        return trial.search(at, storage, 1, executor, Stop(), store)


def reports(project: TemporaryProject) -> list[dict[int, float]]:
    """What each trial told the pruner."""
    url = tune.storage_of(call(project)).url
    (name,) = optuna.get_all_study_names(url)
    return [one.intermediate_values for one in optuna.load_study(study_name=name, storage=url).get_trials()]


def tracked(project: TemporaryProject) -> list[list[tuple[object, ...]]]:
    statuses = project.query(f"SELECT t.value, r.status {OF_TRIALS}")
    metrics = project.query(
        f"SELECT t.value, m.key, m.step, m.value {OF_TRIALS} JOIN metrics m ON m.run_uuid = r.run_uuid"
    )
    return [sorted(statuses), sorted(metrics)]


@pytest.mark.long
def test_trials_trained_elsewhere_make_the_same_search(prepared: TemporaryProject, tmp_path: Path) -> None:
    """Its points, values, prunings, failures and MLflow runs, whoever trains; and nothing is trained again."""
    here, there, node = (prepared.copy(tmp_path / name) for name in ("here", "there", "node"))
    rows = search(here, None)
    assert {row.state for row in rows} == {"COMPLETE", "PRUNED", "FAIL"}
    executor, store = Node(node), tmp_path / "store" / call(there).identity.name
    for row in rows:
        (store / f"{row.number}-{TUNE['epochs']}").mkdir(parents=True)
    assert search(there, executor, store.parent.as_uri()) == rows
    kept = {path.name.partition("-")[0] for path in store.iterdir()}  # of the others Ray's executor keeps none
    assert kept == {str(row.number) for row in rows if row.state != "PRUNED"}
    assert reports(there) == reports(here)
    assert tracked(there) == tracked(here)
    assert executor.trained == [str(row.number) for row in rows]
    assert search(there, executor) == rows
    assert len(executor.trained) == len(rows)


@pytest.mark.long
def test_a_trial_that_was_lost_is_no_result_and_is_taken_up_again(prepared: TemporaryProject, tmp_path: Path) -> None:
    project = prepared.copy(tmp_path / "project")
    project.change({"tune": {"trials": 1}})
    with pytest.raises(UserError, match="its process was killed"):
        search(project, Broken())
    node = Node(project.copy(tmp_path / "node", store=False))
    connect(Project(node.project.root))
    (row,) = search(project, node)
    assert (row.number, row.error) == (0, "")
    assert node.trained == ["0"]


def test_each_epoch_is_told_once_and_in_order_whichever_lines_arrive() -> None:
    """And what else a trial prints is none."""
    seen = list[tuple[int, float]]()
    heard = trial._Heard(lambda step, values: seen.append((step, values["valid_accuracy"])))
    rows = [[step, {"valid_accuracy": step / 3}] for step in range(5)]

    def line(epochs: int, **more: object) -> str:
        return trial.MARK + json.dumps({"epochs": rows[:epochs], "accuracy": None, "error": None} | more)

    task = Task("t", ("ferlab",), Path(), Path())
    for kind, text in (
        ("started", ""),
        ("printed", line(2)),
        ("printed", "a warning"),
        ("printed", line(2)),
        ("printed", line(4)),
        ("done", "\n".join(("a warning", line(4), line(5, accuracy=1 / 3), "farewell"))),
    ):
        heard(Event(kind, task, text=text))  # type: ignore[arg-type]
    assert seen == [(step, step / 3) for step in range(5)]
    assert (heard.accuracy, heard.error) == (1 / 3, None)
    heard(Event("done", task, text=line(5, error="the loss is no longer finite")))
    assert heard.error == "the loss is no longer finite"
