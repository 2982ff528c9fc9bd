"""A study outside the checkout: what `ferlab init` lays out."""

import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from typer.testing import CliRunner

from ferlab.cli.main import app
from ferlab.code.check import NAME, fault
from ferlab.errors import UserError
from ferlab.layout.lay import lay
from ferlab.layout.pipeline import of_installed, outdated, renew
from ferlab.project import Project
from ferlab.yaml_file import dump_yaml, read_yaml
from temporary import REPOSITORY

OURS = "src/ferlab/"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return lay(tmp_path_factory.mktemp("lay") / "study", "title: Another paper\n")


def test_a_study_has_the_same_stages_and_says_so_to_dvc(study: Project) -> None:
    def stages(root: Path) -> dict[str, str]:
        with Repo(str(root)) as repo:
            return {stage.name: stage.cmd for stage in repo.index.stages if getattr(stage, "cmd", None)}

    assert stages(study.root) == stages(REPOSITORY)


def test_each_stage_hangs_on_the_rooms_of_its_source() -> None:
    ours = read_yaml(REPOSITORY / "dvc.yaml")["stages"]
    theirs = of_installed(read_yaml(REPOSITORY / "dvc.yaml"))["stages"]
    for name, stage in ours.items():
        own, their = stage.get("do", stage), theirs[name].get("do", theirs[name])
        source = [path for path in own.get("deps", []) if path.startswith(OURS)]
        told = [entry for entry in their.get("params", []) if isinstance(entry, dict)]
        assert list(their.get("deps", [])) == [path for path in own.get("deps", []) if path not in source]
        assert told == [{NAME: sorted({f"rooms.{path.removeprefix(OURS).split('/')[0]}" for path in source})}]
        assert [entry for entry in their["params"] if entry not in told] == list(own.get("params", []))


def test_it_is_worked_on_with_the_ferlab_that_laid_it_out(study: Project) -> None:
    assert fault(study) is None
    record = (study.root / NAME).read_text()
    try:
        (study.root / NAME).write_text(record.replace('"gan": "', '"gan": "0'))
        assert "they differ in gan" in str(fault(study))
    finally:
        (study.root / NAME).write_text(record)


def test_stages_of_an_earlier_ferlab_are_laid_anew_and_the_studys_own_stay(tmp_path: Path) -> None:
    """Else DVC wouldn't run a stage when what it reads by now changes."""
    study = lay(tmp_path / "study", "")
    path = study.root / "dvc.yaml"
    fresh = read_yaml(path)["stages"]
    assert outdated(study) == ()
    tree = read_yaml(path)
    tree["stages"]["mix"]["do"]["deps"].pop()
    del tree["stages"]["further"]
    tree["stages"]["mine"] = {"cmd": "true", "deps": ["paper.yaml"]}
    path.write_text(dump_yaml(tree))
    assert set(renew(study)) == {"mix", "further"}
    assert outdated(study) == ()
    assert read_yaml(path)["stages"] == {**fresh, "mine": {"cmd": "true", "deps": ["paper.yaml"]}}
    assert path.read_text().startswith("# The stages of the study")
    assert outdated(Project(REPOSITORY)) == ()


def test_it_brings_its_own_paper(study: Project) -> None:
    assert (study.root / "paper.yaml").read_text() == "title: Another paper\n"
    deps = {
        name: stage.get("do", stage).get("deps", [])
        for name, stage in read_yaml(study.root / "dvc.yaml")["stages"].items()
    }
    assert [name for name in deps if "paper.yaml" in deps[name]] == ["report"]  # a change of it makes the page anew


def test_inside_a_git_repository_nothing_is_staged_there(tmp_path: Path) -> None:
    """DVC stages what it makes, by the name of a folder that is another's by the end."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "mine").touch()
    subprocess.run(["git", "add", "mine"], cwd=tmp_path, check=True)
    lay(tmp_path / "below" / "study", "")
    told = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == ["A  mine", "?? below/"]


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match="a new folder or an empty one"):
        lay(tmp_path, "")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_paper_that_ferlab_does_not_know(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["init", str(tmp_path / "study"), "--from", "yan2012"])
    assert "no paper 'yan2012'" in str(result.exception)
    assert "yan2021" in str(result.exception)
    assert not (tmp_path / "study").exists()
