"""Data that is swapped, missing or not what the budget is meant for stops the pipeline clearly."""

import json
import os
import shutil
from pathlib import Path

import pytest

from ferlab.execution.locks import exclusive
from ferlab.files import sha256_file
from ferlab.project import Project
from temporary import TemporaryProject


def test_a_swapped_archive_stops_the_pipeline_naming_both_hashes(done: TemporaryProject) -> None:
    """DVC alone would note the new hash and go on."""
    archive = done.root / "data" / "ckplus.zip"
    whole, named = archive.read_bytes(), sha256_file(archive)
    archive.unlink()
    archive.write_bytes(whole + b"\0")
    swapped, before = sha256_file(archive), done.run("git", "status", "--porcelain", "work", "reports")
    for output in (done.ferlab("stage", "prepare", code=2), done.repro(code=255)):
        assert swapped in output
        assert named in output
        assert "data/ckplus.zip is not the file that params.yaml names" in output
        assert "ferlab data add" in output
        assert "Traceback" not in output
    assert done.run("git", "status", "--porcelain", "work", "reports") == before
    archive.write_bytes(whole)
    done.repro()
    assert done.dirt() == ""


def test_data_may_not_hold_one_dataset_twice(done: TemporaryProject) -> None:
    fer2013 = done.root / "data" / "fer2013.zip"
    shutil.copyfile(done.root / "data" / "ckplus.zip", fer2013.with_name("new"))
    fer2013.with_name("new").replace(fer2013)
    done.change({"data": {"fer2013": sha256_file(fer2013)}})
    output = done.ferlab("stage", "prepare", code=2)
    assert "data/fer2013.zip holds CK+48" in output


@pytest.mark.parametrize("kind", ["real", "demo"])
def test_missing_data_says_which_file_and_which_command(kind: str, fresh: TemporaryProject) -> None:
    """DVC alone would only say that a data source is missing."""
    shutil.rmtree(fresh.root / "data")
    fresh.change({"data": {"kind": kind}})
    output = fresh.ferlab("stage", "prepare", code=2)
    assert "data/fer2013.zip is missing" in output
    assert "ferlab data add fer2013.zip ckplus48.zip" in output
    assert "Traceback" not in output


def test_a_fresh_clone_that_asks_for_real_faces_says_what_to_type(fresh: TemporaryProject) -> None:
    """`make repro` begins with this command."""
    shutil.rmtree(fresh.root / "data")
    fresh.change({"data": {"kind": "real"}})
    output = fresh.ferlab("data", "demo", "--if-missing", code=2)
    assert "ferlab data add fer2013.zip ckplus48.zip" in output
    assert "FER-2013" in output
    assert "Traceback" not in output
    assert not (fresh.root / "data").exists()


def test_a_fresh_clone_draws_the_demo_that_data_dvc_names(demo_archives: Path, tmp_path: Path) -> None:
    """Byte for byte, so that git stays clean."""
    project = TemporaryProject.create(tmp_path / "project", demo_archives)
    clone = tmp_path / "clone"
    project.run("git", "clone", "--quiet", ".", str(clone))
    cloned = TemporaryProject(clone)
    cloned.ferlab("data", "demo", "--if-missing")
    assert {p.name for p in (clone / "data").iterdir()} == {"fer2013.zip", "ckplus.zip"}
    assert cloned.dirt() == ""
    facts = json.loads(cloned.ferlab("data", "show", "--json"))
    assert facts["fer2013"]["as_named"]
    assert facts["ckplus"]["as_named"]
    cloned.ferlab("data", "demo", "--if-missing")
    assert cloned.dirt() == ""


def test_a_budget_for_real_faces_refuses_drawn_ones(fresh: TemporaryProject) -> None:
    assert "ferlab data add" in fresh.ferlab("budget", "use", "trial")
    output = fresh.ferlab("stage", "prepare", code=2)
    assert "the budget 'trial' is meant for real faces" in output
    assert "ferlab budget use demo" in output
    assert not (fresh.root / "work").exists()


def test_data_that_is_drawn_again_leaves_the_same_bytes(fresh: TemporaryProject, demo_archives: Path) -> None:
    fresh.ferlab("data", "demo")
    for name in ("fer2013", "ckplus"):
        assert (fresh.root / "data" / f"{name}.zip").read_bytes() == (demo_archives / f"{name}.zip").read_bytes()
    assert fresh.params.data.kind == "demo"
    assert fresh.params.data.fer2013 == sha256_file(demo_archives / "fer2013.zip")


def test_a_second_change_of_the_data_at_the_same_time_is_refused(fresh: TemporaryProject) -> None:
    """Nothing is touched, and the process at work is named."""
    before = {path.name: path.stat().st_mtime_ns for path in (fresh.root / "data").iterdir()}
    archives = [str(path) for path in sorted((fresh.root / "data").glob("*.zip"))]
    with exclusive(Project(fresh.root), "data"):
        for words in (("data", "add", *archives), ("data", "demo")):
            assert f"process {os.getpid()} is still at work on data" in fresh.ferlab(*words, code=2)
    assert {path.name: path.stat().st_mtime_ns for path in (fresh.root / "data").iterdir()} == before
    assert fresh.dirt() == ""
