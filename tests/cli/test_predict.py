"""`ferlab predict` on real files and a really trained run."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ferlab.classifiers.catalogue import create
from ferlab.cli.predict import load
from ferlab.data.labels import FER_CLASSES
from ferlab.errors import UserError
from ferlab.project import Project
from ferlab.records.run import FILE, RunRecord
from small import REPOSITORY, noise
from temporary import TemporaryProject

FACE = noise(1)[0]


def test_an_unknown_run_is_named_with_those_that_exist(finished: TemporaryProject) -> None:
    with pytest.raises(UserError, match="vgg16-7") as caught:
        load(Project(finished.root), "vgg16-7")
    assert "resnet50-dcgan-0 (run here), svm-0 (run here)" in str(caught.value.next_step)


@pytest.mark.parametrize(("run", "told"), [("svm-0", "`dvc repro train@svm-0`"), ("svm-7", "`dvc repro` trains")])
def test_a_run_that_is_not_trained_yet_is_answered_with_what_trains_it(run: str, told: str, tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    shutil.copy(REPOSITORY / "dvc.yaml", tmp_path)
    with pytest.raises(UserError) as caught:
        load(Project(tmp_path), run)
    assert told in str(caught.value.next_step)
    assert "`ferlab train` keeps no weights" in str(caught.value.next_step)


def test_the_command(finished: TemporaryProject, tmp_path: Path) -> None:
    """The same numbers as the classifier's own; the whole batch in one call."""
    for name, face in zip(("a", "b"), noise(2), strict=True):
        Image.fromarray(face).save(tmp_path / f"{name}.png")
    paths = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    rows = json.loads(finished.ferlab("predict", *paths, "--run", "resnet50-dcgan-0", "--json"))
    folder = finished.root / "work" / "runs" / "resnet50-dcgan-0"
    expected = create(RunRecord.read(folder / FILE).settings).load(folder).predict_proba(noise(2))
    assert list(rows) == paths
    for row, numbers in zip(rows.values(), expected, strict=True):
        assert list(row) == list(FER_CLASSES)
        np.testing.assert_allclose(list(row.values()), numbers, atol=6e-5)


def test_what_the_answer_is_worth_is_said(finished: TemporaryProject, tmp_path: Path) -> None:
    """A network of the demo answers for a real face as surely as any."""
    Image.fromarray(FACE).save(tmp_path / "a.png")
    output = finished.ferlab("predict", str(tmp_path / "a.png"), "--run", "svm-0")
    folder = finished.root / "work" / "runs" / "svm-0"
    accuracy = json.loads((folder / "run.json").read_text())["valid_accuracy"]
    assert f"svm-0 had {100 * accuracy:.1f}% of its validation images right" in output
    assert "it learned from drawn faces" in output


def test_a_run_of_other_faces_is_told(done: TemporaryProject, tmp_path: Path) -> None:
    """A run of the demo stays in work/runs/ when real faces are put into data/."""
    Image.fromarray(FACE).save(tmp_path / "a.png")
    (done.root / "work/prepared/train").rename(done.root / "work/prepared/former")
    shutil.copytree(done.root / "work/prepared/valid", done.root / "work/prepared/train")
    output = done.ferlab("predict", str(tmp_path / "a.png"), "--run", "svm-0")
    assert "it learned from OTHER faces than data/ now holds" in output


def test_a_picture_that_shows_nothing_is_told(finished: TemporaryProject, tmp_path: Path) -> None:
    """Else an empty picture is sad. And a name may hold what a terminal would obey."""
    Image.new("L", (64, 64), 90).save(tmp_path / "e\x1b[2Jmpty.png")
    output = finished.ferlab("predict", str(tmp_path / "e\x1b[2Jmpty.png"), "--run", "svm-0")
    assert "shows nothing, all its pixels are alike" in output
    assert "e\\x1b[2Jmpty.png: " in output
    assert "\x1b" not in output


def test_files_that_are_no_pictures_are_all_named(finished: TemporaryProject, tmp_path: Path) -> None:
    """Cut off, empty, text, absent; a folder; a pipe, on which one would wait."""
    Image.fromarray(FACE).save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:200])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    names = ("good.png", "cut.png", "empty.png", "text.png", "absent.png", "folder.png", "pipe.png")
    paths = [str(tmp_path / name) for name in names]
    output = finished.ferlab("predict", *paths, "--run", "svm-0", code=2)
    assert "Traceback" not in output
    for name in ("cut", "empty", "text", "absent"):
        assert f"{name}.png: " in output
    assert "absent.png: there is no such file" in output
    assert "folder.png is a folder, not a file" in output
    assert "pipe.png is a named pipe, not a file" in output
    assert "good.png: " in output  # which is answered all the same
    assert "svm-0 had" in output
