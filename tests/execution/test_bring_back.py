"""What a stage that makes nothing had left before is back, from where it is kept."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from typer.testing import CliRunner

from ferlab.cli.main import app
from ferlab.errors import UserError
from ferlab.execution.bring_back import bring_back
from ferlab.project import Project
from reports import ROOT
from temporary import TemporaryProject, stages_run

FILES = {"index.html": b"a page", "samples/a.png": b"a face", "samples/deep/b.png": b"another"}


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def kept(root: Path, data: bytes, suffix: str = "") -> str:
    """Put something into DVC's cache, as DVC does; returns its name there."""
    name = md5(data) + suffix
    path = root / ".dvc" / "cache" / "files" / "md5" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return name


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which the stage `report` has run, by DVC's cache, by git and by dvc.lock."""
    root = tmp_path_factory.mktemp("ended")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    Repo.init(str(root)).close()
    for name, data in FILES.items():
        (root / "reports" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "reports" / name).write_bytes(data)
    inside = [{"md5": kept(root, FILES[f"samples/{n}"]), "relpath": n} for n in ("a.png", "deep/b.png")]
    folder = kept(root, json.dumps(inside).encode(), ".dir")
    outs = [
        {"path": "reports/index.html", "md5": kept(root, FILES["index.html"])},
        {"path": "reports/samples", "md5": folder},
        {"path": "reports/nowhere.csv", "md5": md5(b"in neither")},
        {"path": "work/tuned", "md5": folder},
    ]
    (root / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": {"report@a-0": {"outs": outs}}}))
    subprocess.run(["git", "add", "reports"], cwd=root, check=True)
    return root


@pytest.fixture
def gone(ended: Path, tmp_path: Path) -> Path:
    """The same after DVC has removed the stage's outs."""
    root = shutil.copytree(ended, tmp_path / "gone")
    shutil.rmtree(root / "reports")
    return root


def found(root: Path) -> dict[str, bytes]:
    folder = root / "reports"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("absent", [".git/index", ".dvc/cache", "nothing"])
def test_files_and_folders_come_back_from_dvcs_cache_or_from_git(gone: Path, absent: str) -> None:
    for path in gone.glob(absent):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert bring_back(Project(gone), "report@a-0") == ["reports/index.html", "reports/samples"]
    assert found(gone) == FILES
    assert not (gone / "work").exists()  # DVC's own to check out


def test_what_the_stage_has_made_stays_and_what_is_kept_nowhere_stays_gone(gone: Path) -> None:
    (gone / ".git" / "index").unlink()
    (gone / "reports").mkdir()
    (gone / "reports" / "index.html").write_bytes(b"a new page")
    (gone / ".dvc/cache/files/md5" / md5(b"another")[:2] / md5(b"another")[2:]).unlink()
    assert bring_back(Project(gone), "report@a-0") == []  # never half a folder
    assert found(gone) == {"index.html": b"a new page"}


@pytest.mark.parametrize("lock", [None, "", "stages: []", "stages: {report: {}}", "a: ["])
def test_without_a_word_of_it_in_dvc_lock_nothing_is_done(gone: Path, lock: str | None) -> None:
    (gone / "dvc.lock").unlink() if lock is None else (gone / "dvc.lock").write_text(lock)
    assert bring_back(Project(gone), "report@a-0") == []


@pytest.mark.parametrize("fault", ["other code", "broken params", "interrupted"])
def test_whatever_ends_a_stage_its_report_is_back(gone: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """Also what ends it before it has begun."""
    lock = gone / "dvc.lock"
    lock.write_text(lock.read_text().replace("report@a-0", "report"))
    shutil.copyfile(ROOT / "dvc.yaml", gone / "dvc.yaml")
    text = "a: [" if fault == "broken params" else (ROOT / "params.yaml").read_text()
    (gone / "params.yaml").write_text(text)

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def refused(_: object) -> None:
        raise UserError("other code")

    monkeypatch.setattr("ferlab.code.check.check", refused if fault == "other code" else lambda _: None)
    if fault == "interrupted":
        monkeypatch.setattr("ferlab.stages.context.call", stopped)
    monkeypatch.chdir(gone)
    ended = CliRunner().invoke(app, ["stage", "report"])
    assert isinstance(ended.exception, UserError) or ended.exit_code == 130
    assert found(gone) == FILES


@pytest.mark.long
def test_a_page_that_cant_be_made_leaves_the_old_one(done: TemporaryProject) -> None:
    damaged = done.root / "reports" / "tiny" / "audit.json"
    text = damaged.read_text()
    damaged.write_text("[]")
    before = found(done.root)
    done.repro("--single-item", "report", code=255)
    assert found(done.root) == before
    assert "report" in done.due()
    damaged.write_text(text)
    assert stages_run(done.repro("report")) == set()
    assert done.dirt() == ""
