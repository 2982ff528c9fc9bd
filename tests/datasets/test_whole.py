"""What people have of a data set that they name becomes one zip, labels beside pictures."""

import gzip
import tarfile
import zipfile
from pathlib import Path

import pytest

from ferlab.datasets.whole import as_zip
from ferlab.errors import UserError
from small import make_zip


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """The same two files in each form that people have."""
    for name, content in {"a/x.png": b"picture", "b/x.txt": b"label", "b/Thumbs/.DS_Store": b"junk"}.items():
        path = tmp_path / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    make_zip(tmp_path / "faces.zip", {"a/x.png": b"picture"})
    make_zip(tmp_path / "labels.zip", {"b/x.txt": b"label", "__MACOSX/._x": b"junk"})
    with tarfile.open(tmp_path / "faces.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "faces/a", "a")
    (tmp_path / "x.csv").write_bytes(b"table")
    (tmp_path / "y.csv.gz").write_bytes(gzip.compress(b"other"))
    (tmp_path / "scratch").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["faces"], {"a/x.png": b"picture", "b/x.txt": b"label"}),
        (["faces.zip", "labels.zip"], {"a/x.png": b"picture", "b/x.txt": b"label"}),
        (["faces.tar.gz", "labels.zip"], {"a/x.png": b"picture", "b/x.txt": b"label"}),
        (["x.csv", "y.csv.gz"], {"x.csv": b"table", "y.csv": b"other"}),
        (["faces/a", "faces/b"], {"a/x.png": b"picture", "b/x.txt": b"label"}),
    ],
)
def test_one_zip_of_all_files(given: Path, paths: list[str], names: dict[str, bytes]) -> None:
    made = as_zip([given / path for path in paths], given / "scratch")
    with zipfile.ZipFile(made) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == names
    assert (given / "scratch") in made.parents
    (given / "again").mkdir()
    assert as_zip([given / path for path in paths], given / "again").read_bytes() == made.read_bytes()


def test_a_zip_alone_stays(given: Path) -> None:
    assert as_zip([given / "faces.zip"], given / "scratch") == given / "faces.zip"


@pytest.mark.parametrize(
    ("paths", "what"),
    [
        (["none"], "no such file"),
        (["faces.zip", "faces.tar.gz"], "two files are called a/x.png"),
        (["cut.zip", "x.csv"], "not a whole zip"),
    ],
)
def test_what_cannot_be_one_zip(given: Path, paths: list[str], what: str) -> None:
    (given / "cut.zip").write_bytes((given / "faces.zip").read_bytes()[:-30])
    with pytest.raises(UserError, match=what):
        as_zip([given / path for path in paths], given / "scratch")
