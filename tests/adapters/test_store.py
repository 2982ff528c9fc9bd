"""Stores as people meet them: dead, deleted, moved, copied, in folders of any name."""

import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.tracking._tracking_service import utils

from ferlab.adapters import store
from ferlab.adapters.known import find_named, mark_killed
from ferlab.adapters.store import connect
from ferlab.adapters.tracking import tracked
from ferlab.cli.ui import must_be_free
from ferlab.errors import UserError
from ferlab.project import Project


@pytest.fixture(autouse=True)
def _no_outside_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one run of the experiment `classifiers` and its artifact. Read-only."""
    project = Project(tmp_path_factory.mktemp("store") / "original")
    project.root.mkdir()
    log(project, "one", "of the original")
    return project


def log(project: Project, identity: str, text: str) -> None:
    with tracked(project, "classifiers", "a-0", identity=identity, params={}, tags={}) as run:
        run.text(text, "words.txt")


def read(project: Project, identity: str) -> str:
    run = find_named(project, "classifiers", identity)
    assert run
    return Path(connect(project).download_artifacts(run.run, "words.txt")).read_text()


def copy_of(original: Project, place: Path) -> Project:
    shutil.copytree(original.root, place)
    utils._artifact_repos_cache.clear()  # MLflow's, by run: a copy's runs are another process's business
    return Project(place)


def files(project: Project) -> list[Path]:
    return sorted(path for path in (project.root / "mlruns").rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["copy", "a?b", "c#d%20e", "f g'\";&=@:\u00e4"])
def test_a_copy_keeps_its_artifacts_to_itself(
    name: str, original: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """New ones and those of a run that is taken up again; the copied ones are found. It is told once."""
    before, copied = files(original), copy_of(original, tmp_path / name)
    log(copied, "two", "of the copy")
    assert f"MLflow's artifacts were kept in {original.root / 'mlruns'}" in capsys.readouterr().err
    assert read(copied, "one") == "of the original"
    log(copied, "one", "changed")
    assert read(copied, "one") == "changed"
    assert read(copied, "two") == "of the copy"
    assert capsys.readouterr().err == ""
    assert files(original) == before
    assert len(files(copied)) == 2
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_moved_project_finds_its_artifacts(original: Project, tmp_path: Path) -> None:
    copied = copy_of(original, tmp_path / "p")
    connect(copied)
    copied.root.rename(tmp_path / "q")
    utils._artifact_repos_cache.clear()
    moved = Project(tmp_path / "q")
    log(moved, "two", "later")
    assert read(moved, "one") == "of the original"
    assert not (tmp_path / "p").exists()


def test_a_users_own_place_of_artifacts_is_left_alone(original: Project, tmp_path: Path) -> None:
    copied = copy_of(original, tmp_path / "p")
    client = connect(copied)
    client.create_experiment("mine", artifact_location="s3://bucket/mlruns/mine")
    with sqlite3.connect(copied.root / "mlflow.db") as database:
        database.execute("UPDATE experiments SET artifact_location = 's3://b/mlruns/classifiers' WHERE name LIKE 'c%'")
    connect(copied)
    assert {one.artifact_location for one in client.search_experiments() if one.name != "Default"} == {
        "s3://bucket/mlruns/mine",
        "s3://b/mlruns/classifiers",
    }


def test_a_deleted_experiment_is_named_with_the_command_that_restores_it(original: Project, tmp_path: Path) -> None:
    project = copy_of(original, tmp_path / "p")
    client = connect(project)
    number = client.get_experiment_by_name("classifiers").experiment_id
    client.delete_experiment(number)
    assert [one.name for one in store.deleted(client)] == ["classifiers"]
    for attempt in (
        lambda: log(project, "two", ""),
        lambda: find_named(project, "classifiers", "one"),
        lambda: mark_killed(project, "classifiers", lambda _: False),
    ):
        with pytest.raises(UserError, match="the experiment 'classifiers' was deleted") as caught:
            attempt()
        assert f"mlflow experiments restore --experiment-id {number}`" in caught.value.next_step
    client.restore_experiment(number)
    assert read(project, "one") == "of the original"


@pytest.mark.parametrize("cut_off_at", ["runs", "inputs", "trace_info", "alembic_version"])
def test_a_store_whose_making_was_cut_off_is_made_anew(cut_off_at: str, original: Project, tmp_path: Path) -> None:
    """MLflow says of it that a table is there already, at every start."""
    with sqlite3.connect(original.root / "mlflow.db") as database:
        tables = [sql for (sql,) in database.execute("SELECT sql FROM sqlite_master WHERE type = 'table'")]
    with sqlite3.connect(tmp_path / "mlflow.db") as half:
        for sql in tables:
            if f"{cut_off_at} " not in sql.split("(")[0].replace('"', "") + " ":
                half.execute(sql)
    log(Project(tmp_path), "one", "after that")
    assert read(Project(tmp_path), "one") == "after that"


def _tables(path: Path, *names: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        for name in names:
            database.execute(f"CREATE TABLE {name} (a)")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_text("a note"), "no database that can be read"),
        (lambda path: path.write_bytes(bytes(9000)), "no database that can be read"),
        (lambda path: _tables(path, "customers", "orders"), r"another program's database \(tables customers, orders\)"),
        (lambda path: _tables(path, "experiments"), "another program's database"),
        (lambda path: _tables(path, "studies", "alembic_version"), "another program's database"),
        (lambda path: path.mkdir(), "is a folder, not a file"),
        (os.mkfifo, "is a named pipe, not a file"),
    ],
)
def test_a_file_that_is_no_store_is_refused_untouched(
    make: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    """MLflow would lay its tables among another program's."""
    path = tmp_path / "mlflow.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(UserError, match=said) as caught:
        connect(Project(tmp_path))
    assert "move it away" in caught.value.next_step
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.fixture
def silent() -> Iterator[int]:
    """A port at which a program listens that never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://me:secret@127.0.0.1:9", "nothing answers at 127.0.0.1:9"),
        ("postgresql://me:secret@127.0.0.1:9/x", "nothing answers at 127.0.0.1:9"),
        ("http://me:secret@no.such.host.invalid", "nothing answers at no.such.host.invalid:80"),
        ("nonsense://me:secret@host/x", "unsupported URI"),
        ("http://[::1", "can't be reached"),
        ("http://me:secret@127.0.0.1:{silent}", "can't be reached"),
    ],
)
def test_a_store_that_cannot_be_reached_is_told_in_seconds_and_without_its_password(
    uri: str, said: str, silent: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow itself would try for minutes; the time limit is far below that."""
    monkeypatch.setattr(store, "PATIENCE", 1.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(silent=silent))
    with pytest.raises(UserError, match=said) as caught:
        connect(Project(tmp_path))
    assert "MLFLOW_TRACKING_URI" in caught.value.next_step
    assert "secret" not in str(caught.value)


def test_a_store_that_fails_under_a_run_is_no_traceback(original: Project, tmp_path: Path) -> None:
    project = copy_of(original, tmp_path / "p")
    with (
        pytest.raises(UserError, match="the tracking store failed at the run a-0") as caught,
        tracked(project, "classifiers", "a-0", identity="two", params={}, tags={}) as run,
    ):
        run.observe(1, {"loss": 1.0})
        with sqlite3.connect(project.root / "mlflow.db") as database:
            database.execute("ALTER TABLE metrics RENAME TO gone")
        run.flush()
    assert "the same command continues" in caught.value.next_step
    assert MlflowClient(project.tracking_uri).get_run(run.id).info.status == "FAILED"


def test_a_used_port_is_told_at_once_and_a_free_one_named(silent: int) -> None:
    with pytest.raises(UserError, match=f"port {silent} can't be used") as caught:
        must_be_free(silent)
    free = int(caught.value.next_step.partition("--port ")[2].rstrip("`"))
    must_be_free(free)


def test_a_store_of_another_version_of_mlflow_gets_a_clear_word(original: Project, tmp_path: Path) -> None:
    project = copy_of(original, tmp_path / "p")
    with sqlite3.connect(project.root / "mlflow.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'of another'")
    with pytest.raises(UserError, match="database schema") as caught:
        connect(project)
    assert "another version of MLflow made that database" in caught.value.next_step
