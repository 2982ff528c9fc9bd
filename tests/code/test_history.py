"""What a commit holds, by git's history; unknown where git can't say."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ferlab.code.history import Held, held_by
from ferlab.code.source import Code
from ferlab.files import content_hash, sha256_file, write_json


def git(folder: Path, *words: str) -> str:
    who = {f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | who
    done = subprocess.run(["git", *words], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository of two commits; the second one's code and lock are others."""
    root = tmp_path / "project"
    for content in ("1", "2"):
        (root / "src" / "ferlab" / "data").mkdir(parents=True, exist_ok=True)
        (root / "src" / "ferlab" / "__init__.py").write_text("")
        (root / "src" / "ferlab" / "data" / "images.py").write_text(f"SIDE = {content}\n")
        (root / "requirements.lock").write_text(f"numpy=={content}\n")
        git(root, "init", "--quiet")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", content)
    return root


def test_it_is_what_the_working_tree_held_then(project: Path) -> None:
    first, second = (git(project, "rev-parse", name) for name in ("HEAD~1", "HEAD"))
    code = Code.of(project / "src" / "ferlab")
    held = held_by(project, second)
    assert held
    assert held.package == code.package
    assert held.lock == sha256_file(project / "requirements.lock")
    assert held.rooms["data"] == content_hash(project / "src" / "ferlab" / "data")
    assert held.rooms["data/images.py"] == sha256_file(project / "src" / "ferlab" / "data" / "images.py")
    git(project, "checkout", "--quiet", first)
    before = held_by(project, first)
    assert before
    assert before.package == Code.of(project / "src" / "ferlab").package != code.package
    assert before.lock == sha256_file(project / "requirements.lock") != held.lock


def test_a_project_without_source_names_its_code(tmp_path: Path) -> None:
    write_json(tmp_path / "code.json", {"package": "ab" * 32, "rooms": {"data": "cd" * 32}})
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "1")
    assert held_by(tmp_path, git(tmp_path, "rev-parse", "HEAD")) == Held("ab" * 32, {"data": "cd" * 32}, None)


def test_unknown_without_git_or_history(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (git(project, "rev-parse", name) for name in ("HEAD~1", "HEAD"))
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{project}", "shallow")
    assert held_by(tmp_path / "shallow", second)
    assert held_by(tmp_path / "shallow", first) is None
    for commit in ("HEAD", "--all", "unknown", "", "0" * 40):
        assert held_by(project, commit) is None
    shutil.rmtree(project / ".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert held_by(project, second) is None
    monkeypatch.setenv("PATH", "")
    assert held_by(tmp_path / "shallow", second) is None
