"""What is said of archives that lie in data/, with real files."""

import hashlib
import os
from pathlib import Path

import pytest

from ferlab.execution import archives
from ferlab.execution.archives import NOTES, prepared_otherwise, swapped
from ferlab.params import load
from ferlab.params.data import Data
from ferlab.project import Project
from small import REPOSITORY
from temporary import TemporaryProject

CONTENT = {"fer2013": b"faces", "ckplus": b"other faces"}
NAMED = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
DATA = Data.model_validate(load(REPOSITORY / "params.yaml").data.model_dump() | NAMED)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "data").mkdir()
    for name, content in CONTENT.items():
        (tmp_path / "data" / f"{name}.zip").write_bytes(content)
    return Project(tmp_path)


def test_an_archive_that_was_swapped_or_edited_is_named(project: Project) -> None:
    assert swapped(project, DATA) == []
    path = project.data / "ckplus.zip"
    path.write_bytes(b"Other faces")  # as long as before
    assert swapped(project, DATA) == ["ckplus.zip"]
    path.unlink()
    assert swapped(project, DATA) == []
    (project.data / "fer2013.zip").write_bytes(b"")
    path.write_bytes(CONTENT["ckplus"])
    assert swapped(project, DATA) == ["fer2013.zip"]
    assert swapped(project, DATA.model_copy(update={"fer2013": hashlib.sha256().hexdigest()})) == []


def test_it_is_hashed_again_only_where_it_has_changed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = list[str]()
    monkeypatch.setattr(archives, "sha256_file", lambda path: hashed.append(path.name) or NAMED[path.stem])
    for _ in range(2):
        swapped(project, DATA)
        assert hashed == ["fer2013.zip", "ckplus.zip"]
    os.utime(project.data / "ckplus.zip", ns=(1, 1))
    swapped(project, DATA)
    assert hashed[2:] == ["ckplus.zip"]


def test_faces_that_were_prepared_of_other_data_are_not_trained_on(done: TemporaryProject) -> None:
    """A training on them would be noted as one on what params.yaml names now."""
    done.change({"data": {"allow_demo": False}})  # it lets a budget take drawn faces, and changes none
    assert prepared_otherwise(Project(done.root)) == []
    done.change({"data": {"fer2013": "0" * 64, "kind": "real"}})
    said = done.ferlab("train", "svm", code=2)
    assert "work/prepared holds faces of before data.fer2013 and data.kind changed" in said
    assert "`dvc repro audit` prepares" in said


@pytest.mark.parametrize("notes", ["", "[]", '{"fer2013.zip": 3, "ckplus.zip": []}', "\x00"])
def test_notes_that_are_damaged_are_made_anew(notes: str, project: Project) -> None:
    project.state.mkdir()
    (project.state / NOTES).write_text(notes)
    assert swapped(project, DATA) == []
    (project.state / NOTES).unlink()
    (project.state / NOTES).mkdir()  # nor can it be written
    assert swapped(project, DATA) == []
