"""What DVC has noted of a report's files, with a budget that is run again over its published results."""

import hashlib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ferlab.project import Project
from ferlab.report.lock import keep_lock, lock_faults


def note(lock: Path, **files: str) -> None:
    """A dvc.lock in which each stage left one file of the budget `trial`, with that text."""
    outs = {
        name: {"path": f"reports/trial/{name}.json", "md5": hashlib.md5(text.encode()).hexdigest()}
        for name, text in files.items()
    }
    with lock.open("w") as handle:
        YAML().dump({"schema": "2.0", "stages": {name: {"outs": [out]} for name, out in outs.items()}}, handle)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Published results of two stages, with their dvc.lock; the project's own is another budget's."""
    folder = tmp_path / "reports" / "trial"
    folder.mkdir(parents=True)
    for name in ("audit", "quality"):
        (folder / f"{name}.json").write_text("published")
    note(folder / "dvc.lock", audit="published", quality="published")
    (tmp_path / "dvc.lock").write_text("stages:\n  audit: {outs: [{path: reports/demo/audit.json, md5: 'a'}]}\n")
    return Project(tmp_path)


def run_again(project: Project, **files: str) -> None:
    for name, text in files.items():
        (project.reports("trial") / f"{name}.json").write_text(text)
    note(project.root / "dvc.lock", **files)


def test_results_that_were_run_again_are_no_edit(project: Project) -> None:
    run_again(project, audit="again")
    assert list(lock_faults(project.reports("trial"))) == []
    (project.reports("trial") / "audit.json").write_text("edited")
    (fault,) = lock_faults(project.reports("trial"))
    assert "audit.json: differs from what the stage audit left there" in fault


def test_the_kept_lock_follows_once_all_is_of_the_new_run(project: Project) -> None:
    kept = project.reports("trial") / "dvc.lock"
    published = kept.read_bytes()
    keep_lock(project, "trial")  # another budget's
    run_again(project, audit="again")  # not all of it yet
    keep_lock(project, "trial")
    assert kept.read_bytes() == published
    run_again(project, audit="again", quality="again")
    keep_lock(project, "trial")
    assert kept.read_bytes() == (project.root / "dvc.lock").read_bytes()
    note(project.root / "dvc.lock", svm="another budget's")
    assert next(lock_faults(project.reports("trial"))).endswith(f"according to {project.root / 'dvc.lock'}")


@pytest.mark.parametrize("text", ["stages: [", "stages: []", "stages: {audit: {outs: [1]}}"])
def test_a_damaged_lock_is_left_to_whoever_needs_it(text: str, project: Project) -> None:
    kept = (project.reports("trial") / "dvc.lock").read_bytes()
    (project.root / "dvc.lock").write_text(text)
    keep_lock(project, "trial")
    assert (project.reports("trial") / "dvc.lock").read_bytes() == kept
