"""The code that runs is the project's own, or nothing is done: worktrees, clones, copies, archives, studies."""

import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from ferlab.cli.main import READ_ONLY, app
from temporary import TemporaryProject

REFUSED = "the environment of another clone is active"
WORKING = {
    *(group.name for group in app.registered_groups),
    *(command.name or command.callback.__name__ for command in app.registered_commands if command.callback),
} - READ_ONLY
WORDS = {
    "stage": ["prepare"]
}  # it looks at its words first: DVC removes outs before it is called, and it brings them back


def with_code_of(root: Path, other: Path) -> TemporaryProject:
    """A project while the environment of another is active."""
    project = TemporaryProject(root)
    project.env["PYTHONPATH"] = str(other / "src")
    return project


@pytest.fixture
def worktree(fresh: TemporaryProject) -> TemporaryProject:
    """A worktree of `fresh`, in the environment of `fresh`. Both hold the same code."""
    fresh.run("git", "worktree", "add", "--quiet", "--detach", str(fresh.beside("worktree")))
    return with_code_of(fresh.beside("worktree"), fresh.root)


@pytest.mark.parametrize("command", sorted(WORKING))
def test_every_command_that_works_is_refused_in_another_clone(
    command: str, untouched: TemporaryProject, tmp_path: Path
) -> None:
    for name in ("params.yaml", "dvc.yaml", "src"):
        source, target = untouched.root / name, tmp_path / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    output = with_code_of(tmp_path, untouched.root).ferlab(command, *WORDS.get(command, []), code=2)
    assert REFUSED in output
    assert f"ferlab is imported from {untouched.root}/src/ferlab" in output
    assert f"export PYTHONPATH={tmp_path}/src" in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dvc.yaml", "params.yaml", "src"], "it wrote something"


def test_a_worktree_works_with_its_own_code_alone(worktree: TemporaryProject) -> None:
    assert REFUSED in worktree.ferlab("budget", "use", "cpu", code=2)
    shutil.copytree(worktree.root.parent / "project" / "data", worktree.root / "data")
    assert worktree.repro("prepare", code=255).count(REFUSED) == 1
    assert worktree.dirt() == ""
    assert REFUSED in worktree.ferlab("budget", "use", "--help")
    assert REFUSED in worktree.ferlab("trace", "svm", code=2)
    assert REFUSED in worktree.ferlab("doctor", code=2)
    mended = TemporaryProject(worktree.root)
    mended.ferlab("budget", "use", "demo")
    assert mended.dirt().split() == ["M", "params.yaml"]


def test_a_project_reached_by_a_link_is_itself(fresh: TemporaryProject) -> None:
    fresh.beside("link").symlink_to(fresh.root)
    assert "is up to date" in with_code_of(fresh.beside("link"), fresh.root).ferlab("code")
    assert "demo" in TemporaryProject(fresh.beside("link")).ferlab("budget", "use", "demo")


def test_a_record_follows_an_edit_and_a_current_one_stays(fresh: TemporaryProject) -> None:
    fresh.ferlab("data", "show")
    assert fresh.dirt() == ""
    fresh.edit("src/ferlab/cli/code.py", "put the code that runs on record", "put it on record")
    assert "isn't of the code" in fresh.ferlab("code", "--check", code=2)
    before = json.loads((fresh.root / "code.json").read_text())
    fresh.ferlab("data", "show")
    after = json.loads((fresh.root / "code.json").read_text())
    assert {room for room in after["rooms"] if after["rooms"][room] != before["rooms"][room]} == {"cli"}
    (fresh.root / "code.json").write_text("<<<<<<< a merge that failed")
    fresh.ferlab("data", "show")
    assert json.loads((fresh.root / "code.json").read_text()) == after
    fresh.ferlab("code", "--check")


def test_the_folder_of_a_source_archive(fresh: TemporaryProject, tmp_path: Path) -> None:
    fresh.run("git", "archive", "--output", str(tmp_path / "source.zip"), "HEAD")
    with zipfile.ZipFile(tmp_path / "source.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    assert REFUSED in with_code_of(tmp_path / "unpacked", fresh.root).ferlab("report", code=2)
    own = TemporaryProject(tmp_path / "unpacked")
    own.ferlab("budget", "use", "demo")
    told = json.loads(own.ferlab("--quiet", "doctor", "--json", code=2))
    assert told["facts"]["commit"].startswith("unknown: not a git repository")
    assert any("results would name no commit, because not a git" in problem for problem in told["problems"])


def test_a_machine_without_git(fresh: TemporaryProject, tmp_path: Path) -> None:
    fresh.env["PATH"] = str(tmp_path / "nothing")
    ferlab = str(Path(sys.executable).with_name("ferlab"))
    fresh.run(ferlab, "budget", "use", "demo")
    page = "from ferlab.code.commit import *; print(read_commit(Project.find()).code_dirty)"
    assert fresh.run(sys.executable, "-c", page).strip() == "unknown"


def test_a_study_says_which_ferlab_it_is_worked_on_with(untouched: TemporaryProject, tmp_path: Path) -> None:
    """Without source of its own."""
    installed = tmp_path / "installed"
    shutil.copytree(untouched.root / "src", installed / "src")
    study = with_code_of(tmp_path / "study", installed)
    study.root.mkdir()
    for name in ("params.yaml", "dvc.yaml", "requirements.lock"):
        shutil.copyfile(untouched.root / name, study.root / name)
    shutil.copytree(untouched.root / "budgets", study.root / "budgets")
    assert "nothing says which ferlab" in study.ferlab("budget", "use", "demo", code=2)
    study.ferlab("code")
    study.ferlab("budget", "use", "demo")
    (installed / "src/ferlab/data/ids.py").open("a").close()
    study.ferlab("budget", "use", "demo")
    (installed / "src/ferlab/data/ids.py").write_text("# another version\n")
    assert "they differ in data" in study.ferlab("budget", "use", "demo", code=2)
    assert "isn't of the code" in study.ferlab("code", "--check", code=2)
    study.ferlab("code")
    study.ferlab("budget", "use", "demo")


def test_an_experiment_in_dvcs_copy_runs_its_own_code_or_an_equal_one(fresh: TemporaryProject) -> None:
    copy = fresh.root / ".dvc" / "tmp" / "exps" / "standalone" / "tmpabc"
    fresh.run("git", "worktree", "add", "--quiet", "--detach", str(copy))
    of_checkout = with_code_of(copy, fresh.root)
    of_checkout.ferlab("budget", "use", "demo")
    (copy / "src/ferlab/data/ids.py").write_text("# the experiment's\n")
    assert "this experiment's code is not" in of_checkout.ferlab("budget", "use", "demo", code=2)
    of_checkout.env["PYTHONPATH"] = "src"
    of_checkout.ferlab("budget", "use", "demo")


def test_a_real_experiment_of_dvc(fresh: TemporaryProject) -> None:
    fresh.run("dvc", "exp", "run", "--temp", "prepare")
    assert fresh.dirt() == ""
    assert os.listdir(fresh.root / ".dvc" / "tmp" / "exps")  # noqa: PTH208
