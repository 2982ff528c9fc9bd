"""`ferlab data add --as`: one more data set, put into data/ and named in params.yaml."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ferlab.cli import main
from ferlab.cli.own_set import OwnSet, _name, add_own, remove_own
from ferlab.data.images import Faces, ImageSet
from ferlab.errors import UserError
from ferlab.execution.images import to_train
from ferlab.params import load
from ferlab.project import Project
from ferlab.stages.context import run_stage
from ferlab.stages.table import find
from small import barred, png
from temporary import TemporaryProject

CLASSES = ("calm", "cross", "delighted")
FOLDER = OwnSet("folder", "moods", None, 32, None, "both", allow_partial=False)


def write(folder: Path, per_class: int = 12, classes: tuple[str, ...] = CLASSES) -> Path:
    faces = barred(per_class, classes=classes)
    for name in classes:
        (folder / name).mkdir(parents=True)
    for i, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        (folder / classes[label] / f"{i}.png").write_bytes(png(image, "RGB"))
    return folder


@pytest.mark.parametrize(("option", "allowed"), [("--channels", "'1', '3'"), ("--for", "'train', 'gans'")])
def test_a_word_that_is_none_of_an_options_is_refused_plainly(
    option: str, allowed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # outside a project, whose code would be checked first
    said = CliRunner().invoke(main.app, ["data", "add", "faces", option, "2"])
    assert said.exit_code == 2
    assert f"Invalid value for '{option}': '2' is not one of {allowed}" in said.output


@pytest.fixture
def project(untouched: TemporaryProject, tmp_path: Path) -> Project:
    return Project(untouched.copy(tmp_path / "project").root)


def test_it_takes_the_place_of_the_drawn_faces_with_its_own_classes_side_and_colours(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (write(tmp_path / "faces") / "bored").mkdir()
    add_own(project, [tmp_path / "faces"], replace(FOLDER, channels=3), quiet=True)
    said = capsys.readouterr().out
    assert "the folder bored is empty" in said
    assert "class folders, RGB, 32x32 pixels" in said
    assert [path.name for path in project.data.iterdir()] == ["moods.zip"]
    run_stage(project, find("prepare"), [], quiet=True)
    sets = {split: ImageSet.open(project.work / "prepared" / split) for split in ("train", "valid", "test")}
    assert {images.faces for images in sets.values()} == {Faces(CLASSES, 32, 3)}
    assert to_train(project, load(project.params).data) == len(sets["train"])
    assert sum(map(len, sets.values())) == 36
    assert np.array_equal(ImageSet.open(project.work / "sources" / "ckplus").images, sets["train"].images)
    assert ImageSet.open(project.work / "sources" / "none").faces == sets["train"].faces

    other = write(tmp_path / "others", 2, ("cross", "bored"))
    add_own(project, [other], replace(FOLDER, name="others", side=None, use="tests"), quiet=True)
    run_stage(project, find("further"), ["others"], quiet=True)
    further = ImageSet.open(project.work / "further" / "others")
    assert (len(further), further.faces.shape, further.split) == (4, (32, 32, 3), "others")

    for name, said in (("others", "run.evaluate_on"), ("moods", "data.train"), ("mood", "moods")):
        with pytest.raises(UserError) as caught:
            remove_own(project, name)
        assert said in str(caught.value)
    changed = project.params.read_text().replace("evaluate_on: [others]", "evaluate_on: []")
    project.params.write_text(changed)
    remove_own(project, "others")
    assert [path.name for path in project.data.iterdir()] == ["moods.zip"]
    assert list(load(project.params).data.sets) == ["moods"]


@pytest.mark.parametrize(
    ("form", "file", "name"),
    [
        ("ferplus", "fer2013.csv", "ferplus"),  # a table of votes beside FER-2013's own: in either order
        ("ferplus", "fer2013new.csv", "fer2013new"),
        ("folder", "My moods", "my_moods"),
    ],
)
def test_a_set_without_a_name_is_called_by_its_file_or_its_form(form: str, file: str, name: str) -> None:
    assert _name(replace(FOLDER, form=form, name=None), Path(file)) == name


@pytest.mark.parametrize(
    ("told", "said", "where"),
    [
        ({"use": "train"}, "never mixed", "--for train"),
        ({"name": "fer2013"}, "one of the paper's own sets", "--name fer2013"),
        ({"classes": ["calm", "angelic"]}, "angelic", "faces"),
        ({"form": "rafdb"}, "this is not RAF-DB", "faces"),
        ({"form": "raf"}, "no data set is called 'raf'", "--as raf"),
        ({"name": "Bad Name"}, "Bad Name", "--name Bad Name"),
        ({"name": None}, "'24_moods'", "24 moods"),
        ({"side": 5}, "data.side", "--as folder --name moods --side 5"),
    ],
)
def test_what_cannot_be_used_changes_nothing(
    untouched: TemporaryProject, tmp_path: Path, told: dict[str, object], said: str, where: str
) -> None:
    before, own = untouched.dirt(), replace(FOLDER, **told)  # type: ignore[arg-type]
    faces = write(tmp_path / ("faces" if own.name else "24 moods"))
    with pytest.raises(UserError, match=said) as caught:
        add_own(Project(untouched.root), [faces], own, quiet=True)
    assert caught.value.where.endswith(where)
    assert untouched.dirt() == before
    assert {path.name for path in (untouched.root / "data").iterdir()} == {"fer2013.zip", "ckplus.zip"}
