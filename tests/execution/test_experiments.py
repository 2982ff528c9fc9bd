"""DVC's experiments, run by DVC itself on a small pipeline that writes a ledger as ours does."""

import json
import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest
from dvc.repo import Repo

from ferlab.errors import UserError
from ferlab.execution.experiments import Experiment, known, run
from ferlab.project import Project
from temporary import REPOSITORY

SCORE = """\
import json, sys, yaml
from pathlib import Path
from ferlab.records.ledger import LedgerLine, append
value = yaml.safe_load(Path("params.yaml").read_text())["svm"]["C"]
if value < 0:
    sys.exit("error: C is negative")
append(Path("reports/tiny/ledger.jsonl"), LedgerLine.model_validate_json(Path("line.json").read_text()))
Path("reports/tiny/summary.json").write_text(json.dumps({"C": value}))
"""
PIPELINE = f"""\
stages:
  score:
    cmd: {sys.executable} score.py
    deps: [score.py, line.json]
    params: [svm]
    metrics: [reports/tiny/summary.json: {{cache: false}}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Committed, and nothing has run yet: no ledger that git would know of."""
    root = tmp_path / "project"
    root.mkdir()
    line = (REPOSITORY / "reports" / "gpu" / "ledger.jsonl").read_text().splitlines()[0]
    for name, text in {
        "score.py": SCORE, "dvc.yaml": PIPELINE, "params.yaml": "svm: {C: 1.0}\n", "line.json": line
    }.items():  # fmt: skip
        (root / name).write_text(text)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "A")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    git(root, "init")
    Repo.init(str(root)).close()
    git(root, "add", "--all")
    git(root, "commit", "--message", "Start")
    return Project(root)


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout


def kept(project: Project, name: str, path: str) -> str:
    """A file as an experiment has it."""
    (ref,) = git(project.root, "for-each-ref", f"refs/exps/**/{name}", "--format=%(refname)").split()
    return git(project.root, "show", f"{ref}:{path}")


def test_an_experiment_in_a_copy_keeps_its_first_ledger(project: Project) -> None:
    """DVC keeps of a copy what git knows of and stages' outs; a ledger that is new is neither."""
    assert known(project) == {}
    with chdir(project.root), Repo() as repo:
        repo.experiments.run(tmp_dir=True, name="half", params=["++svm.C=0.5"])
    assert known(project) == {"half": "done"}
    assert json.loads(kept(project, "half", "reports/tiny/summary.json")) == {"C": 0.5}
    assert len(kept(project, "half", "reports/tiny/ledger.jsonl").splitlines()) == 1
    assert git(project.root, "status", "--porcelain") == ""
    (project.params).write_text("svm: {C: 2.0}\n")
    with pytest.raises(UserError, match=r"stand on a commit, and none holds params\.yaml as it is"):
        known(project)


def test_an_error_of_dvc_is_one_message(project: Project) -> None:
    with pytest.raises(UserError, match="DVC can't run experiments here: "):
        run(project, [Experiment("not a name~", {"svm.C": 0.5})], jobs=1)


@pytest.mark.long
def test_the_queue_runs_each_once_and_says_why_one_failed(project: Project) -> None:
    """And what it made is adopted."""
    asked = [
        Experiment("half", {"svm.C": 0.5}),
        Experiment("below", {"svm.C": -1.0}),
        Experiment("two", {"svm.C": 2.0}),
    ]
    assert run(project, asked, jobs=1) == {"below": "C is negative"}
    assert known(project) == {"half": "done", "two": "done"}
    with chdir(project.root), Repo() as repo:
        repo.experiments.apply("two")
        assert repo.status() == {}
    assert (project.root / "reports" / "tiny" / "ledger.jsonl").read_text().count("\n") == 1
    assert "2.0" in project.params.read_text()
