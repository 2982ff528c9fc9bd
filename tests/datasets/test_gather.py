"""From whatever people have to containers of one dataset each, without writing anything outside the scratch folder."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from ferlab.datasets import forms, gather
from ferlab.datasets.gather import Container
from ferlab.errors import UserError
from small import make_zip, noise, png

FACES = noise(4)
FER = {
    f"fer/{folder}/happy/{usage}_1.png": png(FACES[i])
    for i, (folder, usage) in enumerate((("train", "Training"), ("test", "PublicTest"), ("test", "PrivateTest")))
}
CKPLUS = {"CK+48/happy/S010_004_00000017.png": png(FACES[3])}
TABLE = "emotion,pixels,Usage\n" + "".join(
    f"3,{' '.join(map(str, image.ravel()))},{usage}\n"
    for image, usage in zip(FACES, ("Training", "PublicTest", "PrivateTest"), strict=False)
)


def folder(path: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def tar(path: Path, files: Mapping[str, bytes | str], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def inner(files: Mapping[str, bytes | str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def read(found: list[Container]) -> dict[str, np.ndarray]:
    """The pixels that containers hold, by dataset and split."""
    readings = [forms.read(container.path) for container in found]
    assert not any(reading.problems for reading in readings)
    return {f"{r.dataset}/{split}": images.images for r in readings for split, images in r.sets.items()}


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def made(kind: str, path: Path) -> Path:
    readme = {"readme.txt": "x", ".DS_Store": "x", "__MACOSX/fer/._x.png": "x"}
    match kind:
        case "zip":
            return make_zip(path / "a.zip", FER | readme)
        case "folder":
            return folder(path / "a", FER | readme)
        case "table":
            return folder(path / "a", {"fer2013.csv": TABLE}) / "fer2013.csv"
        case "table in a folder":
            return folder(path / "a", {"x/fer2013.csv": TABLE, "x/other.csv": "a,b\n"})
        case "tar":
            return tar(path / "a.tar.gz", FER | readme)
        case "table in a tar":
            return tar(path / "fer2013.tar.gz", {"fer2013/fer2013.csv": TABLE})
        case "zip in a folder":
            return folder(path / "a", {"x/fer.zip": inner(FER), "notes.txt": "x"})
        case "zip in a zip":
            return make_zip(path / "a.zip", {"deep/fer.zip": inner(FER), "notes.txt": "x"})
        case "tar in a zip":
            return make_zip(path / "a.zip", {"fer.tar.gz": tar(path / "x.tar.gz", {"fer2013.csv": TABLE}).read_bytes()})
    raise AssertionError(kind)


@pytest.mark.parametrize(
    "kind",
    ["zip", "folder", "table", "table in a folder", "tar", "table in a tar", "zip in a folder", "zip in a zip",
     "tar in a zip"],
)  # fmt: skip
def test_every_wrapping_holds_the_same(kind: str, tmp_path: Path, scratch: Path) -> None:
    found = gather.gather(made(kind, tmp_path), scratch)
    pixels = read(found)
    assert list(pixels) == ["fer2013/train", "fer2013/valid", "fer2013/test"]
    for image, expected in zip(pixels.values(), FACES, strict=False):
        np.testing.assert_array_equal(image[0], expected)
    if kind not in ("table", "table in a tar", "tar in a zip"):
        assert any(Path(name).name in ("readme.txt", "notes.txt", "other.csv") for name in found[0].skipped)


@pytest.mark.parametrize("wrapped", ["folder", "zip", "archives"])
def test_both_datasets_in_one(wrapped: str, tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "a"
    if wrapped == "folder":
        folder(path, FER | CKPLUS)
    elif wrapped == "zip":
        make_zip(path, FER | CKPLUS)
    else:
        folder(path, {"fer.zip": inner(FER), "ck/ck.zip": inner(CKPLUS)})
    pixels = read(gather.gather(path, scratch))
    assert set(pixels) == {"fer2013/train", "fer2013/valid", "fer2013/test", "ckplus/all"}
    np.testing.assert_array_equal(pixels["ckplus/all"], FACES[3:])


def test_a_zip_that_can_be_stored_as_it_is_is_not_touched(tmp_path: Path, scratch: Path) -> None:
    path = make_zip(tmp_path / "a.zip", FER | {"notes.txt": "x"})
    (container,) = gather.gather(path, scratch)
    assert container.path == path
    assert container.skipped == ["notes.txt"]
    assert not list(scratch.iterdir())


def test_equal_folders_make_equal_bytes(tmp_path: Path, scratch: Path) -> None:
    content = []
    for name, files in (("a", FER), ("b", dict(reversed(FER.items())))):
        (found,) = gather.gather(folder(tmp_path / name, files), scratch)
        content.append(found.path.read_bytes())
    assert content[0] == content[1]


def test_links_in_a_tar_lead_nowhere(tmp_path: Path, scratch: Path) -> None:
    path = tar(tmp_path / "a.tar", FER | {"../../train/happy/Training_9.png": png(FACES[0])}, "w")
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("train/happy/Training_8.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    before = sorted(tmp_path.iterdir())
    (found,) = gather.gather(path, scratch)
    reading = forms.read(found.path, allow_partial=True)
    assert {p.where: p.what for p in reading.problems} == {
        "../../train/happy/Training_9.png": "has a path that leads out of its archive",
        "train/happy/Training_8.png": "is a symbolic link, not a picture",
    }
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives_that_unpack_to_far_too_much(
    kind: str, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "LARGEST_ARCHIVE", 1000)
    files = {"fer.zip": bytes(2000)}
    path = make_zip(tmp_path / "a.zip", files) if kind == "zip" else tar(tmp_path / "a.tgz", files)
    with pytest.raises(UserError, match="far more") as caught:
        gather.gather(path, scratch)
    assert "fer.zip" in str(caught.value)


def test_archives_too_deep_in_each_other(tmp_path: Path, scratch: Path) -> None:
    content = inner(FER)
    for _ in range(5):
        content = inner({"x.zip": content})
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(UserError, match="archives deep"):
        gather.gather(path, scratch)


def test_a_table_of_something_else(tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="no columns emotion, pixels and Usage"):
        gather.gather(path, scratch)
