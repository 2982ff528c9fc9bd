"""Runs from a store elsewhere: all of them arrive, each once, whatever was here before."""

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from ferlab.adapters.adopt import ARTIFACTS, DATABASE, adopt, empty_store
from ferlab.adapters.known import find_named
from ferlab.adapters.tracking import tracked
from ferlab.project import Project

CODE = {"commit": "a" * 40, "dirty": "false"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_store(Project(tmp_path_factory.mktemp("empty")))


@pytest.fixture
def here(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return _project(store, tmp_path / "here")


def _project(store: Path, root: Path) -> Project:
    root.mkdir()
    shutil.copyfile(store, root / DATABASE)
    return Project(root)


def _track(project: Project, identity: str, epochs: range) -> str:
    """Track a run; its id."""
    with tracked(
        project, "classifiers", f"key-{identity}", identity=identity, params={"lr": 0.1},
        tags={"stage": "train", "commit": "unknown", "dirty": "unknown"}, datasets=[("train", "training", "d" * 64)],
    ) as run:  # fmt: skip
        for epoch in epochs:
            run.observe(epoch, {"loss": 1.0 / epoch})
        run.figures({"best_valid_accuracy": 0.5})
        run.text("epoch,loss", "curve.csv")
        return run.id


def _runs(project: Project) -> list[Run]:
    client = MlflowClient(project.tracking_uri)
    experiment = client.get_experiment_by_name("classifiers")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def test_a_run_arrives_as_it_was_and_once(here: Project, store: Path, tmp_path: Path) -> None:
    there = _project(store, tmp_path / "there")
    sent = _track(there, "one", range(1, 4))
    ids = adopt(here, there.root, CODE)
    assert adopt(here, there.root, CODE) == ids
    (run,), client = _runs(here), MlflowClient(here.tracking_uri)
    original = MlflowClient(there.tracking_uri).get_run(sent)
    assert ids == {sent: run.info.run_id}
    assert (run.info.status, run.info.start_time, run.info.end_time) == (
        "FINISHED", original.info.start_time, original.info.end_time
    )  # fmt: skip
    assert run.data.params == original.data.params
    assert run.data.metrics == original.data.metrics
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")] == [
        (epoch, 1.0 / epoch) for epoch in range(1, 4)
    ]
    assert run.inputs
    assert original.inputs
    assert [d.dataset.digest for d in run.inputs.dataset_inputs] == [
        d.dataset.digest for d in original.inputs.dataset_inputs
    ]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["curve.csv"]
    assert (here.root / ARTIFACTS / "classifiers" / run.info.run_id / "artifacts" / "curve.csv").is_file()
    told = {key: run.data.tags[key] for key in ("commit", "dirty", "mlflow.source.git.commit")}
    assert told == {**CODE, "mlflow.source.git.commit": CODE["commit"]}


def test_what_was_cut_off_here_is_completed(here: Project, store: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), tracked(
        here, "classifiers", "key-one", identity="one", params={"lr": 0.1}, tags={"stage": "train"}
    ) as run:  # fmt: skip
        run.observe(1, {"loss": 1.0})
        run.flush()
        raise KeyboardInterrupt
    there = _project(store, tmp_path / "there")
    _track(there, "one", range(1, 4))
    adopt(here, there.root, CODE)
    (known,) = _runs(here)
    steps = [metric.step for metric in MlflowClient(here.tracking_uri).get_metric_history(known.info.run_id, "loss")]
    assert (known.info.status, steps) == ("FINISHED", [1, 2, 3])


def test_what_ended_here_stays_as_it_is(here: Project, store: Path, tmp_path: Path) -> None:
    own = _track(here, "one", range(1, 3))
    there = _project(store, tmp_path / "there")
    sent = _track(there, "one", range(1, 9))
    _track(there, "two", range(1, 2))
    ids = adopt(here, there.root, CODE)
    assert ids[sent] == own
    assert len(_runs(here)) == 2
    found = find_named(here, "classifiers", "one")
    assert found
    assert len(MlflowClient(here.tracking_uri).get_metric_history(own, "loss")) == 2
