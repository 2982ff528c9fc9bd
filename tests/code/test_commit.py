"""What git knows of a project, asked of real git: unknown is never clean."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ferlab.code.commit import Commit, read_commit
from ferlab.project import Project
from temporary import TemporaryProject


@pytest.fixture(autouse=True)
def only_the_projects_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a user's settings nor a hook's variables."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture
def project(untouched: TemporaryProject, tmp_path: Path) -> TemporaryProject:
    """A committed project, to be changed."""
    return untouched.copy(tmp_path / "project")


def test_a_committed_project_is_clean(project: TemporaryProject) -> None:
    head = project.run("git", "rev-parse", "HEAD").strip()
    known = read_commit(Project(project.root))
    assert known == Commit(head)
    assert (known.dirty, known.code_dirty, str(known)) == ("false", "false", head)
    variant = project.root / ".ferlab" / "ablation" / "variants" / "a"
    variant.mkdir(parents=True)
    assert read_commit(Project(variant)) == known


def test_in_a_hook_of_another_clone(project: TemporaryProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git tells hooks by the environment which repository they are of."""
    other = project.copy(tmp_path / "other")
    other.run("git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "--allow-empty", "-m", "Go on")
    head = project.run("git", "rev-parse", "HEAD").strip()
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git" / "index"))
    assert read_commit(Project(project.root)) == Commit(head)


@pytest.mark.parametrize(
    ("name", "dirty", "code_dirty"),
    [
        ("src/ferlab/gan/fit.py", "true", "true"),
        ("src/ferlab/new.py", "true", "true"),
        ("dvc.yaml", "true", "true"),
        ("requirements.lock", "true", "true"),
        ("params.yaml", "true", "false"),
        ("data.dvc", "false", "false"),
        ("README.md", "false", "false"),
    ],
)
def test_what_counts_as_dirty(project: TemporaryProject, name: str, dirty: str, code_dirty: str) -> None:
    with (project.root / name).open("a") as file:
        file.write("# edited\n")
    known = read_commit(Project(project.root))
    assert (known.dirty, known.code_dirty) == (dirty, code_dirty)
    assert known.uncommitted == ((name.split("/")[0],) if dirty == "true" else ())
    project.run("git", "add", "--all")
    assert read_commit(Project(project.root)) == known, "staged is not committed"


def test_deleted_code_is_dirty(project: TemporaryProject) -> None:
    (project.root / "src" / "ferlab" / "gan" / "fit.py").unlink()
    assert read_commit(Project(project.root)).uncommitted == ("src",)


def test_a_project_in_a_folder_of_a_repository(project: TemporaryProject, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    shutil.rmtree(project.root / ".git")
    inner = Path(shutil.move(project.root, outer / "a b"))
    (outer / "params.yaml").touch()  # of the repository, not of the project
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "All")):
        subprocess.run(["git", *words], cwd=outer, env=project.env, check=True)
    (outer / "params.yaml").write_text("changed")
    assert read_commit(Project(inner)).dirty == "false"
    (inner / "params.yaml").write_text((inner / "params.yaml").read_text() + "# changed\n")
    assert read_commit(Project(inner)).uncommitted == ("params.yaml",)


def unknown(project: TemporaryProject, reason: str) -> Commit:
    known = read_commit(Project(project.root))
    assert (known.commit, known.dirty, known.code_dirty) == ("unknown", "unknown", "unknown")
    assert reason in known.reason
    assert known.mend
    return known


def test_no_repository(project: TemporaryProject) -> None:
    """As in the folder of a source archive."""
    shutil.rmtree(project.root / ".git")
    unknown(project, "not a git repository")


def test_the_repository_of_somebody_else(project: TemporaryProject) -> None:
    """An archive that was unpacked within another project's checkout."""
    shutil.rmtree(project.root / ".git")
    outer = TemporaryProject(project.root.parent)
    outer.run("git", "init", "--quiet")
    (outer.root / "own.txt").touch()
    outer.run("git", "add", "own.txt")
    outer.run("git", "commit", "--quiet", "-m", "Own")
    unknown(project, "doesn't track this project")


def test_a_repository_without_a_commit(project: TemporaryProject) -> None:
    shutil.rmtree(project.root / ".git")
    project.run("git", "init", "--quiet")
    unknown(project, "nothing has been committed yet")


def test_a_repository_that_git_does_not_trust(project: TemporaryProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of another user: containers and mounted folders."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert unknown(project, "dubious ownership").mend.endswith(f"safe.directory {project.root}")


def test_a_damaged_repository(project: TemporaryProject) -> None:
    (project.root / ".git" / "index").write_bytes(b"damaged")
    unknown(project, "index")


def test_no_git(project: TemporaryProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    unknown(project, "there is no git")


def test_asking_writes_nothing(project: TemporaryProject) -> None:
    """Else it would hold the lock of git's index while somebody commits. Git would note that copied files are equal."""
    before = (project.root / ".git" / "index").read_bytes()
    assert read_commit(Project(project.root)).dirty == "false"
    assert (project.root / ".git" / "index").read_bytes() == before
