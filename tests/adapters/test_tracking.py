"""MLflow as people meet it: where runs lie, how they end, how they are taken up again."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from ferlab.adapters.known import Known, find_named
from ferlab.adapters.store import connect
from ferlab.adapters.store_run import SECONDS
from ferlab.adapters.tracking import tracked
from ferlab.errors import UserError
from ferlab.project import Project


@pytest.fixture(autouse=True)
def _no_outside_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without runs, made once: its schema takes seconds."""
    root = tmp_path_factory.mktemp("store")
    connect(Project(root))
    return root / "mlflow.db"


@pytest.fixture
def project(tmp_path: Path, schema: Path) -> Project:
    (tmp_path / "mlflow.db").write_bytes(schema.read_bytes())
    return Project(tmp_path)


def open_run(project: Project, identity: str, name: str = "a-0", **params: Any) -> Any:
    return tracked(project, "tests", name, identity=identity, params=params, tags={})


def runs(project: Project) -> dict[str, Run]:
    client = MlflowClient(f"sqlite:///{project.home}/mlflow.db")
    found = client.search_runs([client.get_experiment_by_name("tests").experiment_id])
    named = {run.data.tags["ferlab.identity"]: run for run in found}
    assert len(named) == len(found)
    return named


def steps(project: Project, run: Run, metric: str) -> list[tuple[int, float]]:
    client = MlflowClient(f"sqlite:///{project.home}/mlflow.db")
    return sorted((m.step, m.value) for m in client.get_metric_history(run.info.run_id, metric))


@pytest.mark.parametrize("folder", ["0", "123456789", ".trash"])
def test_an_old_file_store_gets_the_migration_hint(folder: str, project: Project) -> None:
    """`mlflow ui` would crash on it."""
    old = project.root / "mlruns" / folder / "meta.yaml"
    old.parent.mkdir(parents=True)
    old.touch()
    with pytest.raises(UserError, match="older MLflow") as caught:
        connect(project)
    assert "mlflow migrate-filestore" in str(caught.value)
    assert str(old) in str(caught.value)


def test_plain_mlflow_in_the_projects_folder_sees_the_runs(project: Project) -> None:
    """As `mlflow ui` without any option does."""
    with open_run(project, "one") as run:
        run.observe(1, {"loss": 0.5})
    program = (
        "import mlflow\n"
        "found = mlflow.search_runs(search_all_experiments=True, output_format='list')\n"
        "print('FOUND', [r.data.tags['ferlab.identity'] for r in found])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=project.root, capture_output=True, text=True, check=True)
    assert "FOUND ['one']" in done.stdout


@pytest.mark.parametrize("kind", ["tmpabc", "standalone/x/y"])
def test_an_experiment_of_dvc_in_a_temporary_copy_logs_into_the_users_own_checkout(kind: str, project: Project) -> None:
    """The copy is deleted afterwards."""
    inside = Project(project.root / ".dvc" / "tmp" / "exps" / kind)
    inside.root.mkdir(parents=True)
    assert inside.home == project.root
    assert inside.state == project.state
    with open_run(inside, "from-the-copy"):
        pass
    assert set(runs(project)) == {"from-the-copy"}
    assert not list(inside.root.rglob("*.db"))
    assert runs(project)["from-the-copy"].info.artifact_uri.startswith(project.root.as_uri())


def test_a_folder_that_only_looks_like_dvcs_is_its_own_home(tmp_path: Path) -> None:
    assert Project(tmp_path / "exps" / "a").home == tmp_path / "exps" / "a"
    assert Project(tmp_path / ".dvc" / "tmp").home == tmp_path / ".dvc" / "tmp"


def test_another_tracking_uri_is_respected(tmp_path: Path, schema: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    elsewhere.write_bytes(schema.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}")
    project = Project(tmp_path / "project")
    client = connect(project)
    assert client.tracking_uri == f"sqlite:///{elsewhere}"
    assert not (project.root / "mlflow.db").exists()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/no/such/folder/mlflow.db")
    (tmp_path / "no").touch()
    with pytest.raises(UserError, match="tracking store can't be reached") as caught:
        connect(project)
    assert "MLFLOW_TRACKING_URI" in str(caught.value)


FIRST_START = """
import sys
import time
from pathlib import Path
from ferlab.adapters.tracking import tracked
from ferlab.project import Project
Path(sys.argv[1], sys.argv[2]).touch()
while len(list(Path(sys.argv[1]).glob("ready-*"))) < 8: time.sleep(0.005)
with tracked(Project(Path(sys.argv[1])), "tests", sys.argv[2], identity=sys.argv[2], params={"a": 1}, tags={}) as run:
    run.observe(1, {"loss": 1.0})
"""


@pytest.mark.chaos  # eight processes that import MLflow or Optuna at once
def test_eight_first_starts_at_once_all_succeed(tmp_path: Path) -> None:
    """On a fresh SQLite, MLflow's own schema would be made eight times."""
    names = [f"ready-{i}" for i in range(8)]
    words = [sys.executable, "-c", FIRST_START, str(tmp_path)]
    started = [subprocess.Popen([*words, name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for name in names]
    outputs = [process.communicate()[0].decode() for process in started]
    assert [process.returncode for process in started] == [0] * 8, "\n".join(outputs)
    found = runs(Project(tmp_path))
    assert set(found) == set(names)
    assert {run.info.status for run in found.values()} == {"FINISHED"}


def test_an_error_ends_the_run_as_failed_with_its_traceback(project: Project) -> None:
    """A crashed run that shows as FINISHED would pass for a result."""
    with pytest.raises(ZeroDivisionError), open_run(project, "one") as run:
        run.observe(1, {"loss": 0.5})
        _ = 1 / 0
    ended = runs(project)["one"]
    assert ended.info.status == "FAILED"
    assert ended.info.end_time
    assert steps(project, ended, "loss") == [(1, 0.5)]
    text = Path(connect(project).download_artifacts(ended.info.run_id, "traceback.txt")).read_text()
    assert "ZeroDivisionError" in text
    assert "test_tracking.py" in text


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_the_run_as_killed(stop: type[BaseException], project: Project) -> None:
    """An interrupted run is neither finished nor at fault."""
    with pytest.raises(stop), open_run(project, "one") as run:
        run.observe(1, {"loss": 0.5})
        raise stop
    ended = runs(project)["one"]
    assert ended.info.status == "KILLED"
    assert steps(project, ended, "loss") == [(1, 0.5)]


AT_WORK = """
import sys, time
from pathlib import Path
from ferlab.adapters.tracking import tracked
from ferlab.project import Project
with tracked(Project(Path(sys.argv[1])), "tests", "a-0", identity="one", params={"lr": 0.1}, tags={}) as run:
    for step in (1, 2, 3):
        run.observe(step, {"loss": step / 10})
    run.flush()
    print("AT WORK", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def killed(project: Project) -> Iterator[str]:
    """A run of identity `one` of the run key `a-0` whose process was killed at step 3; its id."""
    process = subprocess.Popen([sys.executable, "-c", AT_WORK, str(project.root)], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stdout.readline() == b"AT WORK\n"
    finally:
        process.kill()
        process.communicate()
    run = runs(project)["one"]
    assert run.info.status == "RUNNING"
    yield str(run.info.run_id)


def test_a_killed_run_is_taken_up_again_with_one_value_a_step(killed: str, project: Project) -> None:
    """The resumed training tells its whole history again, from a step before the kill on."""
    with open_run(project, "one", lr=0.1) as run:
        assert run.id == killed
        assert MlflowClient(connect(project).tracking_uri).get_run(killed).info.status == "RUNNING"
        for step in (1, 2, 3, 4):
            run.observe(step, {"loss": step / 10})
    ended = runs(project)["one"]
    assert (ended.info.run_id, ended.info.status) == (killed, "FINISHED")
    assert steps(project, ended, "loss") == [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4)]


def test_a_run_killed_before_it_was_described_is_described_when_it_is_taken_up(project: Project) -> None:
    """MLflow makes a run in one call and takes its parameters and datasets in others."""
    with open_run(project, "other"):
        pass
    client = connect(project)
    experiment = client.get_experiment_by_name("tests")
    bare = client.create_run(experiment.experiment_id, tags={"ferlab.identity": "one", "ferlab.slot": "a-0"})
    for _ in range(2):
        with tracked(
            project, "tests", "a-0", identity="one", params={"lr": 0.1}, tags={}, datasets=[("faces", "training", "ab")]
        ) as run:
            assert run.id == bare.info.run_id
    ended = runs(project)["one"]
    assert ended.data.params == {"lr": "0.1"}
    assert [found.dataset.name for found in ended.inputs.dataset_inputs] == ["faces"]


def test_what_a_run_cost_is_the_time_worked_on_it_not_the_time_between(project: Project) -> None:
    """A stage that comes back to the run hours later, as evaluation does, would make the next plan far too long."""
    worked = 0.0
    for _ in range(2):
        began = time.monotonic()
        with open_run(project, "one"):
            time.sleep(0.1)  # more than the tag's tenths of a second can lose
        worked += time.monotonic() - began
        time.sleep(worked + 0.5)  # which would show
    assert 0.1 <= float(runs(project)["one"].data.tags[SECONDS]) <= worked + 0.1


def test_mlflows_duration_is_the_time_worked_on_a_run(project: Project) -> None:
    """Neither an evaluation hours later nor a night between two sittings counts; the real end is kept too."""
    for afterwards in (False, True, False):
        with tracked(project, "tests", "a-0", identity="one", params={}, tags={}, afterwards=afterwards):
            time.sleep(0.1)
        ended = runs(project)["one"]
        worked = 1000 * float(ended.data.tags[SECONDS])
        assert ended.info.end_time - ended.info.start_time == pytest.approx(worked, abs=60)
        time.sleep(0.5)  # which would show
    known = Known.of(ended)
    assert known.began == ended.info.start_time
    assert known.ended
    assert known.ended - ended.info.end_time > 900


def test_a_run_says_its_source_and_its_experiment_of_dvc(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/ferlab", "tune", "a", "--storage", "postgresql://me:secret@host/x"])
    monkeypatch.setenv("DVC_EXP_NAME", "wordy-name")
    with tracked(project, "tests", "a-0", identity="one", params={}, tags={"commit": "a" * 40}):
        pass
    with tracked(project, "tests", "b-0", identity="two", params={}, tags={"commit": "unknown"}):
        pass
    tags = runs(project)["one"].data.tags
    assert tags["mlflow.source.name"] == "ferlab tune a --storage postgresql://me:***@host/x"
    assert tags["mlflow.source.type"] == "LOCAL"
    assert tags["mlflow.source.git.commit"] == "a" * 40
    assert tags["dvc.experiment"] == "wordy-name"
    assert "mlflow.source.git.commit" not in runs(project)["two"].data.tags


def test_a_killed_run_is_marked_when_another_takes_its_place(killed: str, project: Project) -> None:
    """Changed parameters make a new run; the dead one no longer looks alive."""
    with open_run(project, "two", lr=0.2) as run:
        assert run.id != killed
    assert {name: run.info.status for name, run in runs(project).items()} == {"one": "KILLED", "two": "FINISHED"}
    assert runs(project)["two"].data.params == {"lr": "0.2"}


def test_a_run_of_another_place_is_left_alone(killed: str, project: Project) -> None:
    with open_run(project, "two", name="b-0"):
        pass
    assert runs(project)["one"].info.status == "RUNNING"


def test_figures_of_a_repeated_run_are_there_once(project: Project) -> None:
    """An evaluation that runs again adds no second value of the same score; a changed one is the last."""
    for accuracy in (0.5, 0.5, 0.75):
        with open_run(project, "one") as run:
            run.figures({"test_accuracy": accuracy, "same": 1.0})
    ended = runs(project)["one"]
    assert ended.data.metrics == {"test_accuracy": 0.75, "same": 1.0}
    assert steps(project, ended, "same") == [(0, 1.0)]
    assert steps(project, ended, "test_accuracy") == [(0, 0.5), (1, 0.75)]


def test_a_run_is_found_by_its_identity(project: Project) -> None:
    assert find_named(project, "tests", "one") is None
    with open_run(project, "one") as run:
        pass
    found = find_named(project, "tests", "one")
    assert found
    assert found.run == run.id
    assert find_named(project, "tests", "another") is None
