"""data/ is replaced as a whole or not at all."""

from pathlib import Path

import pytest

from ferlab.data.containers import examine, install
from ferlab.errors import UserError
from ferlab.files import sha256_file
from small import make_zip, noise, png

PICTURE = png(noise(1)[0])
FER = {f"x/fear/{usage}_1.png": PICTURE for usage in ("Training", "PublicTest", "PrivateTest")}
CKPLUS = {"fear/S010_004_00000017.png": PICTURE}


@pytest.fixture
def archives(tmp_path: Path) -> dict[str, Path]:
    return {"fer2013": make_zip(tmp_path / "faces.zip", FER), "ckplus": make_zip(tmp_path / "ck.zip", CKPLUS)}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("fer2013.zip", "ckplus.zip", "leftover.txt"):
        (folder / name).write_text(f"old {name}")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_examined_by_content_not_by_name(archives: dict[str, Path]) -> None:
    found = examine([archives["ckplus"], archives["fer2013"]], allow_partial=True)
    assert {dataset: what.path for dataset, what in found.items()} == archives
    assert found["fer2013"].counts["test"] == {name: int(name == "fear") for name in found["fer2013"].counts["test"]}
    assert "valid/fear: 1 images, published 496" in found["fer2013"].differences
    assert "all/fear: 1 images, published 75" in found["ckplus"].differences


def test_a_part_is_refused_unless_it_is_meant(archives: dict[str, Path]) -> None:
    with pytest.raises(UserError, match="all/surprise: 0 images, published 249") as caught:
        examine([archives["ckplus"]], allow_partial=False)
    assert caught.value.where == str(archives["ckplus"])
    assert "--allow-partial" in caught.value.next_step


def test_twice_the_same_dataset(archives: dict[str, Path], tmp_path: Path) -> None:
    second = make_zip(tmp_path / "again.zip", FER)
    with pytest.raises(UserError, match=r"faces\.zip and again\.zip hold fer2013"):
        examine([archives["fer2013"], second], allow_partial=True)


def test_installed(archives: dict[str, Path], old: Path) -> None:
    hashes = install(archives, old)
    assert hashes == {dataset: sha256_file(path) for dataset, path in archives.items()}
    assert contents(old) == {f"{dataset}.zip": path.read_bytes() for dataset, path in archives.items()}


def test_one_is_replaced_by_its_own_copy(archives: dict[str, Path], old: Path) -> None:
    """`ferlab data add` with one archive keeps the other one, which lies in the folder to be replaced."""
    install({"fer2013": archives["fer2013"], "ckplus": old / "ckplus.zip"}, old)
    assert contents(old) == {"fer2013.zip": archives["fer2013"].read_bytes(), "ckplus.zip": b"old ckplus.zip"}


def test_all_or_nothing(archives: dict[str, Path], old: Path, tmp_path: Path) -> None:
    before, beside = contents(old), sorted(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        install(archives | {"ckplus": tmp_path / "absent.zip"}, old)
    assert contents(old) == before
    assert sorted(tmp_path.iterdir()) == beside
