"""From whatever people have to containers of one dataset each, without writing anything outside the scratch folder."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from ferlab.datasets import forms, gather, unpack
from ferlab.datasets.archive import OUTSIDE
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
        case "table in gzip" | "table in bzip2" | "table in xz":
            packer = {"gzip": gzip, "bzip2": bz2, "xz": lzma}[kind.split()[-1]]
            return folder(path / "a", {"fer2013.csv.z": packer.compress(TABLE.encode())}) / "fer2013.csv.z"
        case "table in gzip in a folder":
            files = {"fer2013.csv.gz": gzip.compress(TABLE.encode()), "readme.txt.gz": gzip.compress(b"x")}
            return folder(path / "a", files)
    raise AssertionError(kind)


@pytest.mark.parametrize(
    "kind",
    ["zip", "folder", "table", "table in a folder", "tar", "table in a tar", "zip in a folder", "zip in a zip",
     "tar in a zip", "table in gzip", "table in bzip2", "table in xz", "table in gzip in a folder"],
)  # fmt: skip
def test_every_wrapping_holds_the_same(kind: str, tmp_path: Path, scratch: Path) -> None:
    found = gather.gather(made(kind, tmp_path), scratch)
    pixels = read(found)
    assert list(pixels) == ["fer2013/train", "fer2013/valid", "fer2013/test"]
    for image, expected in zip(pixels.values(), FACES, strict=False):
        np.testing.assert_array_equal(image[0], expected)
    if kind not in ("table", "table in a tar", "tar in a zip", "table in gzip", "table in bzip2", "table in xz"):
        beside = ("readme.txt", "notes.txt", "other.csv", "readme.txt.gz")
        assert any(Path(name).name in beside for name in found[0].skipped)


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
        "../../train/happy/Training_9.png": f"{OUTSIDE}: unpack it into a folder, and give that",
        "train/happy/Training_8.png": "is a link, not a picture: unpack the archive, and give the folder",
    }
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives_that_unpack_to_far_too_much(
    kind: str, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "LARGEST_TOTAL", 1000)
    files = {"fer.zip": bytes(2000)}
    path = make_zip(tmp_path / "a.zip", files) if kind == "zip" else tar(tmp_path / "a.tgz", files)
    with pytest.raises(UserError, match="far more") as caught:
        gather.gather(path, scratch)
    assert "fer.zip" in str(caught.value)


@pytest.mark.parametrize("kind", ["zip in zip", "zip in folder", "gzip", "tables"])
def test_a_nest_that_unpacks_to_too_much_is_refused_before_it_fills_the_disk(
    kind: str, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each archive alone may be as large as it is; what all together may unpack to has one limit."""
    monkeypatch.setattr(unpack, "LARGEST_TOTAL", 50_000)
    one, path = bytes(20_000), tmp_path / "a"
    match kind:
        case "zip in zip":
            content = io.BytesIO()
            with zipfile.ZipFile(content, "w") as archive:
                archive.writestr("x.zip", inner({"y.zip": inner({"z.zip": one})}) + one)
            path.write_bytes(content.getvalue())
        case "zip in folder":
            folder(path, {f"{i}.zip": one for i in range(9)})
        case "gzip":
            path.write_bytes(gzip.compress(b"x" * 10**6))
        case "tables":
            folder(path, {f"{i}.csv": TABLE for i in range(9)})
    with pytest.raises(UserError, match="unpacks to far more"):
        gather.gather(path, scratch)
    assert sum(p.stat().st_size for p in scratch.rglob("*") if p.is_file()) <= 60_000


def test_an_archive_inside_another_that_is_far_too_dense(tmp_path: Path, scratch: Path) -> None:
    """A few kilobytes that would write gigabytes: what is inside an archive is dense already."""
    path = make_zip(tmp_path / "a.zip", {"x.zip": bytes(2 * 10**6)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match=r"x\.zip unpacks to 2,000,000 bytes"):
        gather.gather(path, scratch)
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"Rar!\x1a\x07\x01\0", "RAR"),
        (b"7z\xbc\xaf\x27\x1c\0", "7z"),
        (b"PAR1", "Parquet"),
        (b"\xef\xbb\xbf\n <!DOCTYPE HTML><html>", "web page"),
        (b'{"code": 403}', "JSON"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (gzip.compress(b"Rar!\x1a\x07", mtime=0), "RAR"),
        (b"hello", "text"),
    ],
)
def test_what_is_no_archive_is_named_by_its_content(content: bytes, named: str, tmp_path: Path, scratch: Path) -> None:
    """Whatever its name says."""
    (tmp_path / "fer2013.zip").write_bytes(content)
    with pytest.raises(UserError, match=named) as caught:
        gather.gather(tmp_path / "fer2013.zip", scratch)
    assert "read are folders, zip, tar" in caught.value.next_step
    assert "--allow-partial" not in str(caught.value)


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_an_unread_archive_inside_is_named(kind: str, tmp_path: Path, scratch: Path) -> None:
    files = {"x/data.rar": b"Rar!", "notes.txt": b"x"}
    path = folder(tmp_path / "a", files) if kind == "folder" else make_zip(tmp_path / "a.zip", files)
    with pytest.raises(UserError, match=r"data\.rar, which isn't read"):
        gather.gather(path, scratch)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_stand_there_twice_are_told(kind: str, tmp_path: Path, scratch: Path) -> None:
    name, path = next(iter(FER)), tmp_path / "a"
    if kind == "zip":
        make_zip(path, FER)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, png(FACES[3]))
    else:
        tar(path, FER, "w")
        with tarfile.open(path, "a") as file:
            entry = tarfile.TarInfo(name)
            entry.size = len(png(FACES[3]))
            file.addfile(entry, io.BytesIO(png(FACES[3])))
    (found,) = gather.gather(path, scratch)
    assert found.notices == ["1 names stand there more than once: the last file of each name counts"]
    np.testing.assert_array_equal(read([found])["fer2013/train"], FACES[3:])


@pytest.mark.parametrize("name", ["absent", "x" * 5000])
def test_paths_at_which_nothing_can_lie(name: str, tmp_path: Path, scratch: Path) -> None:
    with pytest.raises(UserError) as caught:
        gather.gather(tmp_path / name, scratch)
    assert len(str(caught.value)) < 2500


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
    with pytest.raises(UserError, match="no columns emotion, pixels, Usage"):
        gather.gather(path, scratch)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_table_without_splits_is_named(wrapped: bool, tmp_path: Path, scratch: Path) -> None:
    """As `train.csv` of the challenge."""
    text = "emotion,pixels\n1,2\n"
    path = make_zip(tmp_path / "a.zip", {"train.csv": text}) if wrapped else tmp_path / "train.csv"
    if not wrapped:
        path.write_text(text)
    with pytest.raises(UserError, match="no column Usage, without which its splits can't be told"):
        gather.gather(path, scratch)


def test_folders_behind_links_are_read_and_those_in_a_circle_once(tmp_path: Path, scratch: Path) -> None:
    """People link data sets from another disk."""
    folder(tmp_path / "disk", FER)
    given = tmp_path / "given"
    given.mkdir()
    for name, target in (("faces", tmp_path / "disk"), ("up", given), ("gone", tmp_path / "absent")):
        (given / name).symlink_to(target)
    (container,) = gather.gather(given, scratch)
    with zipfile.ZipFile(container.path) as archive:
        assert sorted(archive.namelist()) == sorted(f"faces/{name}" for name in FER)


@pytest.mark.parametrize("kind", ["folder", "tar"])
def test_names_in_an_encoding_that_is_not_known(kind: str, tmp_path: Path, scratch: Path) -> None:
    """As unpacked from an archive of another system; two that differ in such letters alone stay two."""
    names = [os.fsdecode(b"fer/train/happy/Training_" + letter + b".png") for letter in (b"\xe4", b"\xf6", b"1")]
    files = FER | dict.fromkeys(names, png(FACES[0]))
    given = folder(tmp_path / "given", files) if kind == "folder" else tar(tmp_path / "given.tar", files, "w")
    (container,) = gather.gather(given, scratch)
    sets = forms.read(container.path).sets
    assert len(sets["train"]) == 3


def test_an_archive_inside_another_that_is_cut_off_is_named_by_both(tmp_path: Path, scratch: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"inside.zip": b"PK\x03\x04"})
    with pytest.raises(UserError, match="not a whole zip archive") as caught:
        gather.gather(path, scratch)
    assert caught.value.where == f"{path}: inside.zip"
