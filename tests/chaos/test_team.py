"""A team's servers: MLflow's and Optuna's on a real PostgreSQL, which go away under the work."""

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.trial import TrialState

from ferlab.adapters import known
from ferlab.adapters.adopt import adopt
from ferlab.adapters.study import Storage, open_study
from ferlab.adapters.telling import tell
from ferlab.adapters.tracking import tracked
from ferlab.errors import UserError
from ferlab.execution.pace import Pace
from ferlab.project import Project
from servers import SECRET, Line, Servers, running

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    if not (shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))):
        pytest.skip("PostgreSQL isn't installed")
    with running() as found:
        yield found


@pytest.fixture
def line(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """The way to MLflow's server, which nobody waits for long."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
    monkeypatch.setenv("PGPASSWORD", SECRET)
    with Line(servers.port).laid() as laid:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{SECRET}@127.0.0.1:{laid.port}")
        yield laid


STEPS = ("open", "epoch 1", "epoch 2", "picture", "figures", "end", "evaluation", "evaluated")


def work(project: Project, identity: str, at: Any) -> None:
    """A training and its evaluation; `at` is told each step as it begins."""
    about = {"identity": identity, "params": {"lr": 0.1, "storage": "none"}, "tags": {"arm": "a"}}
    at("open")
    with tracked(project, "team", f"{identity}-0", datasets=[("faces", "training", "ab")], **about) as run:
        for epoch in (1, 2):
            at(f"epoch {epoch}")
            run.observe(epoch, {"loss": 1 / epoch, "valid": epoch / 10})
            run.flush()
        at("picture")
        run.text("a picture", "samples/picture.txt")
        at("figures")
        run.figures({"best": 0.2})
        at("end")
    at("evaluation")
    found = known.find_named(project, "team", identity)
    assert found
    assert found.status == "FINISHED"
    with tracked(project, "team", f"{identity}-0", afterwards=True, **about) as run:
        at("evaluated")
        run.figures({"test": 0.5})


def kept(servers: Servers, identity: str) -> dict[str, Any]:
    """All that the server has of the one run of an identity, but for times and ids."""
    client = MlflowClient(servers.tracking)
    experiment = client.get_experiment_by_name("team").experiment_id
    (run,) = client.search_runs([experiment], f"tags.`ferlab.identity` = '{identity}'")
    return {
        "status": run.info.status,
        "params": run.data.params,
        "curves": {name: curve(client, run, name) for name in sorted(run.data.metrics)},
        "data": [one.dataset.name for one in run.inputs.dataset_inputs],
        "tags": sorted(set(run.data.tags) - {"mlflow.user"}),
        "artifacts": [item.path for item in client.list_artifacts(run.info.run_id, "samples")],
    }


def curve(client: MlflowClient, run: Run, name: str) -> list[tuple[int, float]]:
    return sorted((one.step, one.value) for one in client.get_metric_history(run.info.run_id, name))


@pytest.fixture(scope="module")
def undisturbed(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", servers.tracking)
        work(Project(tmp_path_factory.mktemp("undisturbed")), "undisturbed", lambda _: None)
    found = kept(servers, "undisturbed")
    assert found["curves"]["loss"] == [(1, 1.0), (2, 0.5)]
    assert found["artifacts"] == ["samples/picture.txt"]
    return found


@pytest.mark.parametrize("state", ["cut", pytest.param("deaf", marks=pytest.mark.long)])
@pytest.mark.parametrize("step", ["open", "epoch 2", "end", "evaluation"])
def test_a_run_ends_without_its_server_and_the_server_hears_of_it_once(
    step: str, state: str, servers: Servers, line: Line, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """From some step on it doesn't answer, though it may hear; nor at the first time that it is to be told."""
    project, identity = Project(tmp_path), f"{state}-{step.replace(' ', '-')}"
    known.find_named(project, "team", "nothing")  # it has answered once
    work(project, identity, lambda now: line.set(state) if now == step else None)
    assert tell(project) == [f"{identity}-0"]
    line.set("open")
    assert tell(project) == []
    assert kept(servers, identity) == undisturbed
    assert not (project.state / "outbox").exists()
    work(project, identity, lambda _: None)  # again, as a repeated stage
    assert kept(servers, identity) == undisturbed


@pytest.mark.parametrize("state", ["cut", pytest.param("deaf", marks=pytest.mark.long)])
def test_what_a_node_sends_while_the_server_is_away_is_told_once(
    state: str, servers: Servers, line: Line, undisturbed: dict[str, Any], tmp_path: Path, monkeypatch: Any
) -> None:
    """Also where it arrives twice, and where the server has heard of some of it."""
    here, there, identity = Project(tmp_path / "here"), Project(tmp_path / "there"), f"sent-{state}"
    known.find_named(here, "team", "nothing")
    with monkeypatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI")
        work(there, identity, lambda _: None)
    line.set(state)
    assert [adopt(here, there.root, {}) for _ in range(2)] == [{}, {}]
    assert tell(here) == [f"{identity}-0"]
    line.set("open")
    assert tell(here) == []
    assert kept(servers, identity) == undisturbed
    assert list(adopt(here, there.root, {})) != []
    assert kept(servers, identity) == undisturbed


@pytest.mark.long  # 12 runs with a dozen cuts each
@pytest.mark.parametrize("number", range(12))
def test_whatever_is_cut_off_nothing_is_lost_or_told_twice(
    number: int, servers: Servers, line: Line, undisturbed: dict[str, Any], tmp_path: Path, chance: random.Random
) -> None:
    project, identity = Project(tmp_path), f"random-{number}"
    known.find_named(project, "team", "nothing")
    work(project, identity, lambda _: line.set(chance.choice(["open", "cut", "deaf"])))
    while tell(project):
        line.set(chance.choice(["open", "cut", "deaf"]))
    assert kept(servers, identity) == undisturbed


@pytest.mark.long  # two servers more
def test_a_server_that_asks_for_a_password_takes_runs_from_its_users_alone(
    undisturbed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("flask_wtf")
    with running("--auth") as servers:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", servers.tracking)
        for password in (None, "wrong"):
            for name, value in (("USERNAME", "admin"), ("PASSWORD", password)):
                monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value) if password else None
            with pytest.raises(UserError, match="MLFLOW_TRACKING_USERNAME"):
                work(Project(tmp_path / "refused"), "refused", lambda _: None)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
        work(Project(tmp_path / "taken"), "taken", lambda _: None)
        assert kept(servers, "taken") == undisturbed
        shown = capfd.readouterr()
        logs = [path.read_text(errors="replace") for path in servers.folder.glob("*.log")]
        assert not any(SECRET in text for text in (shown.out, shown.err, *logs))


def test_the_server_says_how_long_trainings_took(
    servers: Servers, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file of one's own does. One that is away, or no MLflow, says nothing."""
    about = {"identity": "timed", "params": {"steps": 50, "settings.width": 1.0}, "tags": {"stage": "train"}}
    own = ("steps", "settings.width", "stage")
    server = f"http://me:{SECRET}@127.0.0.1:{line.port}"
    for uri in (server, f"sqlite:///{tmp_path / 'own.db'}"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        with tracked(Project(tmp_path), "classifiers", "timed", **about):
            pass
        timed = [run for run in Pace.read(Project(tmp_path)).runs if run["ferlab.identity"] == "timed"]
        assert [[run[key] for key in own] for run in timed] == [["50", "1.0", "train"]]
        assert float(timed[0]["ferlab.seconds"]) >= 0
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{server}/elsewhere")
    assert Pace.read(Project(tmp_path)) == Pace()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    line.set("cut")
    assert Pace.read(Project(tmp_path)) == Pace()


def test_a_first_address_that_does_not_answer_is_a_mistake(line: Line, tmp_path: Path) -> None:
    line.set("cut")
    with pytest.raises(UserError, match="can't be reached"):
        work(Project(tmp_path), "never", lambda _: None)
    assert not (tmp_path / ".ferlab" / "outbox").exists()


def test_no_password_is_written_anywhere(
    servers: Servers, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In no log, error, parameter or tag: that of MLflow's address, nor that of the databases'."""
    project = Project(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ferlab", "tune", "--storage", f"postgresql://me:{SECRET}@127.0.0.1/x"])
    known.find_named(project, "team", "nothing")
    with pytest.raises(RuntimeError):
        work(project, "secret", lambda now: broken(line) if now == "epoch 2" else None)
    said = [tell(project)]
    line.set("open")
    tell(project)
    for uri in (
        f"http://me:{SECRET}@127.0.0.1:9",
        f"postgresql://ferlab:{SECRET}@127.0.0.1:{servers.database_port}/no",
    ):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        with pytest.raises(UserError) as caught:
            known.find_named(project, "team", "nothing")
        said.append([str(caught.value)])
    with pytest.raises(UserError) as caught:
        open_study(Storage(servers.database("no").replace("ferlab@", f"ferlab:{SECRET}@"), tmp_path / "locks"), "s", {})
    written = [path.read_text(errors="replace") for path in (tmp_path / ".ferlab").rglob("*") if path.is_file()]
    logs = [path.read_text(errors="replace") for path in servers.folder.glob("*.log")]
    shown = capfd.readouterr()
    for text in (str(said), str(caught.value), *written, *logs, shown.out, shown.err, dump(servers)):
        assert SECRET not in text
    assert "secret-0" in dump(servers)


def broken(line: Line) -> None:
    line.set("cut")
    raise RuntimeError(f"at http://me:{SECRET}@127.0.0.1:{line.port}")


def dump(servers: Servers) -> str:
    """Every word of MLflow's runs in the database."""
    engine = sqlalchemy.create_engine(servers.database("mlflow"))
    tables = ("runs", "tags", "params", "experiments")
    with engine.connect() as connection:
        rows = [connection.execute(sqlalchemy.text(f"SELECT * FROM {table}")).all() for table in tables]
    engine.dispose()
    return str(rows)


WORKER = """
import sys, time
from pathlib import Path
from ferlab.adapters.study import Storage
from ferlab.adapters.tuning import search
from ferlab.params import Tune

def objective(suggestion, observe):
    for epoch in (1, 2):
        observe(epoch, {"valid_accuracy": 0.5})  # none is worse than the others, so none is pruned
        time.sleep(0.1)
    with open(sys.argv[3], "a") as file:
        file.write(f"{suggestion.number}\\n")
    return suggestion.values["lr"] * 2

space = Tune.model_validate_json(Path(sys.argv[4]).read_text())
print("READY", flush=True)
search(objective, space, Storage(sys.argv[1], Path(sys.argv[2])), "shared", {"a": 1}, command="ferlab tune")
"""


@pytest.mark.long  # a minute and more, of which the database is away for half
def test_workers_of_several_machines_share_one_study_while_its_database_crashes(
    servers: Servers, line: Line, tmp_path: Path, chance: random.Random
) -> None:
    """Each has locks of its own, as on a machine of its own. None of the 12 points is tried twice, none is lost."""
    space = {
        "seed": 3, "trials": 12, "epochs": 2, "train_fraction": 1.0, "space": {"lr": [n / 100 for n in range(1, 13)]},
        "reference": {}, "transfer": {"best": 0, "epochs": 1}, "pruner": {"kind": "median"}, "held_out": 0.0,
    }  # fmt: skip
    url, told = servers.database("optuna"), tmp_path / "space.json"
    told.write_text(json.dumps(space))
    open_study(Storage(url, tmp_path / "locks"), "shared", {"a": 1})
    ended = [tmp_path / name for name in ("one", "two")]
    words = [sys.executable, "-c", WORKER, url]
    workers = [
        subprocess.Popen([*words, str(tmp_path / f"locks-{file.name}"), str(file), str(told)], stdout=subprocess.PIPE)
        for file in ended
    ]
    try:
        for worker in workers:
            assert worker.stdout
            worker.stdout.readline()
        crashes = sorted(chance.sample(range(1, 10), 2))
        while any(worker.poll() is None for worker in workers):
            done = [line for file in ended if file.exists() for line in file.read_text().splitlines()]
            if crashes and len(done) >= crashes[0]:
                crashes.pop(0)
                servers.kill_database()
            time.sleep(0.05)
        assert [worker.returncode for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    rows = optuna.load_study(study_name="shared", storage=url).get_trials(states=(TrialState.COMPLETE,))
    whole = optuna.load_study(study_name="shared", storage=url).get_trials()
    told = "\n".join(f"{t.number} {t.state.name} {t.params} {t.user_attrs} {t.intermediate_values}" for t in whole)
    assert sorted(row.params["lr"] for row in rows) == space["space"]["lr"], told
    assert not [trial for trial in whole if trial.state == TrialState.RUNNING], told
    assert all(row.value == pytest.approx(2 * row.params["lr"]) for row in rows)
    assert all(set(row.intermediate_values) == {1, 2} for row in rows)


def test_a_study_of_another_version_of_optuna_gets_a_clear_word(servers: Servers, line: Line, tmp_path: Path) -> None:
    admin = sqlalchemy.create_engine(servers.database("mlflow"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE DATABASE other"))
    admin.dispose()
    place = Storage(servers.database("other"), tmp_path / "locks")
    open_study(place, "s", {})
    engine = sqlalchemy.create_engine(place.url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = 'v99.0.0.a'"))
    engine.dispose()
    with pytest.raises(UserError, match="schema") as caught:
        open_study(place, "s", {})
    assert "another version of Optuna made that database" in caught.value.next_step
