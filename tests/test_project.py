"""Where a project's files lie."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from ferlab.errors import UserError
from ferlab.project import Project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_project(tmp_path / "clone")


def make_project(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        (folder / name).touch()
    return folder


def test_found_from_within(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = root / "src" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert Project.find() == Project.find(below) == Project(root)


def test_both_files_are_needed(root: Path) -> None:
    inner = root / "inner"
    inner.mkdir()
    (inner / "params.yaml").touch()
    assert Project.find(inner).root == root


def test_a_folder_that_is_gone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a clone was removed and made anew under a shell that stood in it."""
    gone = root / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UserError, match="the folder that you are in is gone"):
        Project.find()


@pytest.mark.parametrize("name", ["", ".", "..", "../demo", "a/b", "/etc"])
def test_a_report_lies_among_the_reports(root: Path, name: str) -> None:
    with pytest.raises(UserError, match=f"there is no budget '{name}'"):
        Project(root).reports(name)


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a ferlab project") as caught:
        Project.find(tmp_path)
    assert caught.value.where == str(tmp_path)


def test_runs_of_a_temporary_copy_outlive_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`dvc exp run --temp` works in a copy that is thrown away."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    copy = Project.find(make_project(root / ".dvc" / "tmp" / "exps" / "standalone" / "tmpabc"))
    assert copy.root != root
    assert copy.home == root
    assert copy.state == root / ".ferlab"
    assert copy.tracking_uri == f"sqlite:///{root / 'mlflow.db'}" == Project(root).tracking_uri
    for path in (copy.params, copy.data, copy.work, copy.reports("demo")):
        assert path.is_relative_to(copy.root)


def test_home_is_the_checkout_itself_otherwise(root: Path) -> None:
    assert Project(root).home == root
    assert Project(Path("/exps/tmp/.dvc/clone")).home == Path("/exps/tmp/.dvc/clone")


def test_the_environment_names_another_store(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert Project(root).tracking_uri == "http://127.0.0.1:5000"


def test_a_store_that_is_a_file_is_asked_without_mlflow(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And never written: what is no store of MLflow, or isn't there, answers nothing."""
    file = tmp_path / "a store?#%20.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", URL.create("sqlite", database=str(file)).render_as_string())
    ask = "SELECT run_uuid FROM runs WHERE name = ?"
    assert Project(root).in_store(ask, "mine") is None
    assert not file.exists()
    with closing(sqlite3.connect(file)) as store, store:
        store.execute("CREATE TABLE others (name)")
    assert Project(root).in_store(ask, "mine") is None
    with closing(sqlite3.connect(file)) as store, store:
        store.execute("CREATE TABLE runs (run_uuid, name)")
        store.execute("INSERT INTO runs VALUES ('a', 'mine'), ('b', 'yours')")
    assert Project(root).in_store(ask, "mine") == [("a",)]
    assert Project(root).in_store("DELETE FROM runs") is None
    assert Project(root).in_store(ask, "mine") == [("a",)]
    file.write_bytes(b"no database" * 100)
    assert Project(root).in_store(ask, "mine") is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert Project(root).in_store(ask, "mine") is None


def test_below_the_root_an_error_says_where_dvc_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ferlab finds the project from any folder in it, and DVC doesn't."""
    from ferlab.cli.main import _where_dvc_is_typed

    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "a" / "b").mkdir(parents=True)
    error = UserError("work/x is missing", next_step="`dvc repro audit` makes it")
    for folder, said in (("", ""), ("a/b", f"dvc is typed in {tmp_path}")):
        monkeypatch.chdir(tmp_path / folder)
        assert Project.find().root == tmp_path
        assert _where_dvc_is_typed(error).strip() == said
        assert _where_dvc_is_typed(UserError("no such arm")) == ""
