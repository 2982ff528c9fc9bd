"""Lay out a study."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ferlab.code.check import record
from ferlab.errors import UserError
from ferlab.files import disk_errors, write_text
from ferlab.layout.pipeline import pipeline_of
from ferlab.layout.template import BUDGETS, PARAMS, PIPELINE, template
from ferlab.project import Project
from ferlab.yaml_file import dump_yaml

IGNORED = """# what the stages make (DVC keeps it), what is in flight, what MLflow writes
/work
/.ferlab/
/mlflow.db*
/mlruns/*
!/mlruns/.gitkeep
/data

# the environment, bytecode, and what a killed write left behind
/.venv/
__pycache__/
.*.part
.*.old/
"""
README = """# A study with ferlab

- `ferlab data demo` draws faces; `ferlab data add` takes your own.
- `ferlab reproduce` runs the pipeline; the report is reports/demo/index.html.
- params.yaml has everything that can change a number, budgets/ has larger ones, paper.yaml what a paper claims.
- code.json names the ferlab that the results are made with; `ferlab code` puts another one on record.
"""
HEAD = """# The stages of the study; `dvc dag` draws them, `dvc repro` runs what is due. A stage names the keys of
# params.yaml that it uses, and of code.json the rooms of the installed ferlab that decide its numbers.
"""


def lay(folder: Path, paper: str) -> Project:
    """Lay out a study that is worked on with the installed ferlab, under git and DVC.

    Args:
        folder: a new one, or an empty one.
        paper: the text of its paper.yaml.

    Raises:
        UserError: the folder holds something, can't be written, or git or DVC refuse.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            "a study is laid out in a new folder or an empty one, and this is neither",
            where=str(folder),
            next_step="name another",
        )
    target = folder.absolute()
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _must_take_folders(target.parent)
        with tempfile.TemporaryDirectory(prefix=f"{target.name}-", dir=target.parent) as scratch:
            fresh = Path(scratch) / "study"
            fresh.mkdir()
            _write(fresh, paper)
            target.mkdir(exist_ok=True)
            for path in fresh.iterdir():  # into a folder that somebody may stand in
                shutil.move(path, target / path.name)
    return Project(target)


def _must_take_folders(place: Path) -> None:
    """Refuse a file system in which nothing can be made, such as /proc."""
    try:
        Path(tempfile.mkdtemp(dir=place)).rmdir()
    except FileNotFoundError as error:
        raise UserError(
            f"no folder can be made there: {error.strerror}", where=str(place), next_step="name another place"
        ) from None


def _write(study: Path, paper: str) -> None:
    source = template()
    text = dump_yaml(pipeline_of(Project(study)))
    write_text(study / PIPELINE, HEAD + text[text.index("\nstages:") :])
    shutil.copyfile(source / PARAMS, study / PARAMS)
    shutil.copytree(source / BUDGETS, study / BUDGETS)
    write_text(study / "paper.yaml", paper)
    write_text(study / "README.md", README)
    write_text(study / ".gitignore", IGNORED)
    write_text(study / ".dvcignore", "__pycache__\n*.pyc\n.*.part\n.*.old\n")
    for kept in ("mlruns", "reports"):
        write_text(study / kept / ".gitkeep", "")
    record(Project(study))
    is_inside = subprocess.run(["git", "rev-parse", "--git-dir"], cwd=study, capture_output=True, check=False)
    if is_inside.returncode:
        _run(study, "git", "init", "--quiet")
        _run(study, sys.executable, "-m", "dvc", "init", "--quiet")
    else:
        _run(study, sys.executable, "-m", "dvc", "init", "--quiet", "--subdir")
        _run(study, "git", "rm", "-r", "--cached", "--quiet", "--ignore-unmatch", ".")  # staged where it won't stay
    _run(study, sys.executable, "-m", "dvc", "config", "core.analytics", "false")


def _run(study: Path, *command: str) -> None:
    try:
        done = subprocess.run(command, cwd=study, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UserError(f"{command[0]} isn't installed", next_step=f"install {command[0]}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise UserError(f"`{' '.join(command[-3:])}` failed: {said}", where=str(study.parent))
