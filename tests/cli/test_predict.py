"""`ferlab predict` on real files and a really trained run."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from drawn import scene
from ferlab import params
from ferlab.classifiers.catalogue import load_run
from ferlab.cli.calibrated import Confidence
from ferlab.cli.predict import LIMITS, _training, load, predict
from ferlab.data.labels import FER_CLASSES
from ferlab.errors import UserError
from ferlab.evaluation.calibration import Calibration, scaled
from ferlab.evaluation.predictions import read
from ferlab.project import Project
from small import REPOSITORY, noise
from temporary import TemporaryProject

FACE = noise(1)[0]
APP = typer.Typer()
APP.command()(predict)


@dataclass
class Ask:
    """Types `ferlab predict` in a finished project, in this process."""

    project: TemporaryProject
    patch: pytest.MonkeyPatch

    def __call__(self, *words: str | Path, run: str | None = "svm-0") -> tuple[str, str]:
        """What it prints, and what it notes; an error that a user can mend is raised."""
        self.patch.chdir(self.project.root)
        result = CliRunner().invoke(APP, [*map(str, words), *(["--run", run] if run else [])], obj={"quiet": True})
        self.out, self.err = result.stdout, result.stderr
        if result.exception:
            raise result.exception
        return self.out, self.err


@pytest.fixture
def ask(finished: TemporaryProject, monkeypatch: pytest.MonkeyPatch) -> Ask:
    return Ask(finished, monkeypatch)


def test_without_a_run_those_that_exist_are_named(ask: Ask) -> None:
    with pytest.raises(UserError, match="--run") as caught:
        ask("a.png", run=None)
    assert "resnet50-dcgan-0 (run here), svm-0 (run here)" in str(caught.value.next_step)


def test_an_unknown_run_is_named_with_those_that_exist(finished: TemporaryProject) -> None:
    with pytest.raises(UserError, match="vgg16-7") as caught:
        load(Project(finished.root), "vgg16-7")
    assert "resnet50-dcgan-0 (run here), svm-0 (run here)" in str(caught.value.next_step)


@pytest.mark.parametrize(("after", "applied"), [(0.019, True), (0.02, False), (0.021, False)])
def test_a_temperature_that_does_not_help_is_said_and_not_applied(after: float, applied: bool) -> None:
    """What counts is the error on images that it wasn't fitted on."""
    said = np.array([[0.8, 0.2]])
    confidence = Confidence(("calm", "cross"), 48, 1, Calibration(2.0, 350, 0.02, after), "", raw=False, picked=False)
    np.testing.assert_allclose(confidence(said), [[2 / 3, 1 / 3]] if applied else said)
    assert confidence.applied is applied
    start = "are calibrated" if applied else "aren't calibrated, which wouldn't help"
    assert str(confidence) == (
        f"probabilities {start} (temperature 2 from 350 validation images): expected calibration error 2.0% before, "
        f"{after:.1%} after"
    )


@pytest.mark.parametrize(("run", "told"), [("svm-0", "train@svm-0` trains it"), ("svm-7", "`dvc repro` trains")])
def test_a_run_that_is_not_trained_yet_is_answered_with_what_trains_it(run: str, told: str, tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    shutil.copy(REPOSITORY / "dvc.yaml", tmp_path)
    with pytest.raises(UserError) as caught:
        load(Project(tmp_path), run)
    assert told in str(caught.value.next_step)
    assert "`ferlab train` keeps no weights" in str(caught.value.next_step)


@pytest.mark.parametrize("run", ["svm-0", "resnet50-dcgan-0"])
def test_a_face_is_answered_as_the_classifier_does_raw_or_calibrated(run: str, ask: Ask, tmp_path: Path) -> None:
    """All faces in one batch; calibrated by what the report holds of the validation split."""
    for name, face in zip(("a", "b"), noise(2), strict=True):
        Image.fromarray(face).save(tmp_path / f"{name}.png")
    classifier, record = load_run(ask.project.root / "work" / "runs" / run)
    own = classifier.predict_proba(noise(2))
    valid = read(ask.project.root / "reports" / "tiny" / "valid" / f"{run}.parquet")
    calibration = Calibration.of(valid)
    assert calibration is not None
    helps = calibration.error_after < calibration.error_before
    for words, applied, expected in (
        (["--raw"], False, own),
        ([], helps, scaled(own, calibration.temperature) if helps else own),
    ):
        out, err = ask(tmp_path, "--json", *words, run=run)
        told = json.loads(out)
        assert list(told) == ["run", "identity", "classes", "calibration", "pictures", "unreadable"]
        assert (told["run"], told["identity"], told["classes"]) == (run, record.identity, list(FER_CLASSES))
        assert told["unreadable"] == []
        assert told["calibration"] == {
            "applied": applied,
            "temperature": calibration.temperature,
            "images": len(valid.ids),
            "error_before": calibration.error_before,
            "error_after": calibration.error_after,
            "images_picked_epoch": run != "svm-0",
        }
        assert LIMITS in err
        for name, picture, numbers in zip(("a", "b"), told["pictures"], expected, strict=True):
            assert picture["path"] == str(tmp_path / f"{name}.png")
            assert (picture["width"], picture["height"], picture["how"]) == (48, 48, "as_is")
            (face,) = picture["faces"]
            assert face["box"] == {"x": 0, "y": 0, "width": 48, "height": 48}
            assert face["class"] == FER_CLASSES[numbers.argmax()]
            assert list(face["probabilities"]) == list(FER_CLASSES)
            np.testing.assert_allclose(list(face["probabilities"].values()), numbers, atol=6e-5)


def test_the_command(finished: TemporaryProject, tmp_path: Path) -> None:
    """As a process of its own. What the answer is worth is said: a network of the demo is as sure as any."""
    Image.fromarray(FACE).save(tmp_path / "a.png")
    output = finished.ferlab("predict", str(tmp_path / "a.png"), "--run", "svm-0")
    accuracy = json.loads((finished.root / "work" / "runs" / "svm-0" / "run.json").read_text())["valid_accuracy"]
    assert f"svm-0 had {100 * accuracy:.1f}% of its validation images right" in output
    assert "it learned from drawn faces" in output
    assert "probabilities are calibrated (temperature " in output
    assert LIMITS in output


def test_each_face_of_a_picture_is_answered(ask: Ask, tmp_path: Path) -> None:
    scene((240, 150), {(10, 20): 100, (130, 20): 90}).save(tmp_path / "two.png")
    scene((240, 150), {}).save(tmp_path / "none.png")
    out, err = ask(tmp_path)
    assert out.count("two.png: ") == out.count(" (face of ") == 2
    assert "none.png: no face found" in out
    assert "none.png: no upright frontal face found; --whole takes the whole picture as one" in err
    whole, _ = ask(tmp_path, "--whole")
    assert whole.count("none.png: ") == whole.count("two.png: ") == 1
    assert "face of" not in whole
    told = json.loads(ask(tmp_path / "none.png", "--json")[0])
    assert told["pictures"][0] == {
        "path": str(tmp_path / "none.png"),
        "width": 240,
        "height": 150,
        "how": "detected",
        "faces": [],
    }


def test_a_run_of_other_faces_is_told(done: TemporaryProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run of the demo stays in work/runs/ when real faces are put into data/, and a report may be gone."""
    Image.fromarray(FACE).save(tmp_path / "a.png")
    (done.root / "work/prepared/train").rename(done.root / "work/prepared/former")
    shutil.copytree(done.root / "work/prepared/valid", done.root / "work/prepared/train")
    shutil.rmtree(done.root / "reports/tiny/valid")
    out, _ = Ask(done, monkeypatch)(tmp_path / "a.png")
    assert "it learned from OTHER faces than data/ now holds" in out
    assert "probabilities aren't calibrated: no report holds what it says of the validation split" in out


def test_only_the_predictions_of_the_very_training_calibrate_it(finished: TemporaryProject) -> None:
    project = Project(finished.root)
    record = load(project, "resnet50-dcgan-0")[1]
    known = Confidence.of(project, record, raw=False)
    assert known.calibration is not None
    assert "which picked its epoch too" in str(known)
    assert "(--raw)" in str(Confidence.of(project, record, raw=True))
    for other in ({"identity": "0" * 16}, {"seed": 7}, {"select_on": "test"}):
        found = Confidence.of(project, record.model_copy(update=other), raw=False)
        assert found.calibration is None
        assert "aren't calibrated" in str(found)
        np.testing.assert_array_equal(found(np.eye(7)), np.eye(7))


def test_a_picture_that_shows_nothing_is_told(ask: Ask, tmp_path: Path) -> None:
    """Else an empty picture is sad. And a name may hold what a terminal would obey."""
    Image.new("L", (64, 64), 90).save(tmp_path / "e\x1b[2Jmpty.png")
    out, err = ask(tmp_path / "e\x1b[2Jmpty.png", "--whole")
    assert "shows nothing, all its pixels are alike" in err
    assert "(shows nothing)" in out
    assert "e\\x1b[2Jmpty.png: " in out
    assert "\x1b" not in out + err


def test_files_that_are_no_pictures_are_all_named(ask: Ask, tmp_path: Path) -> None:
    """Cut off, empty, text, absent; an empty folder; a pipe, on which one would wait."""
    Image.fromarray(FACE).save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:200])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UserError) as caught:
        ask(tmp_path, tmp_path / "folder.png", tmp_path / "absent.png")
    told = str(caught.value)
    for name in ("cut", "empty", "text"):
        assert f"{name}.png: can't be decoded" in told
    assert "absent.png: there is no such file" in told
    assert "folder.png: is a folder that holds no files" in told
    assert "pipe.png is a named pipe, not a file" in told
    assert "good.png: " in ask.out  # which is answered all the same
    assert "svm-0 had" in ask.out
    with pytest.raises(UserError):
        ask(tmp_path, "--json")
    unreadable = {Path(row["path"]).name: row["reason"] for row in json.loads(ask.out)["unreadable"]}
    assert set(unreadable) == {"cut.png", "empty.png", "text.png", "pipe.png"}
    assert unreadable["text.png"].startswith("can't be decoded: ")


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ("svm-0", "`dvc repro --single-item prepare audit code settings mix@svm train@svm-0` trains it"),
        ("resnet50-0", "`dvc repro train@resnet50-0` trains it"),  # it waits for a search
        (
            "resnet50-oversampled-0",
            "`dvc repro train@resnet50-oversampled-0` trains it",
        ),  # and for another arm's images
        ("nobody-0", "`dvc repro` trains params.yaml's arms"),
    ],
)
def test_a_run_that_waits_for_nothing_is_trained_alone(run: str, told: str) -> None:
    assert _training(params.load(REPOSITORY / "params.yaml"), run) == told
