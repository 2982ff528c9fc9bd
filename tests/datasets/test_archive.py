"""Pictures in zip archives: junk is left out, damage is named."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from ferlab.datasets.archive import OUTSIDE, open_archive, picture_members, read_pictures
from ferlab.errors import UserError
from small import make_zip, noise, png


def test_pictures_are_listed_sorted_and_junk_left_out(tmp_path: Path) -> None:
    junk = ("__MACOSX/train/b.png", "train/._b.png", "train/Thumbs.db", "train/.DS_Store", "notes.txt", "train/")
    pictures = ("train/c.PNG", "train/b.jpg", "a.jpeg", "train/d.pgm")
    path = make_zip(tmp_path / "a.zip", dict.fromkeys((*junk, *pictures), b""))
    with open_archive(path) as archive:
        assert picture_members(archive) == sorted(pictures)


def test_pixels_come_back_in_the_order_asked_for(tmp_path: Path) -> None:
    images = noise(3)
    path = make_zip(tmp_path / "a.zip", {f"{i}.png": png(image) for i, image in enumerate(images)})
    with open_archive(path) as archive:
        found = read_pictures(archive, ["2.png", "0.png"])
    np.testing.assert_array_equal(found.images, images[[2, 0]])
    assert not found.problems
    assert not found.notices()


def test_helper_processes_bring_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels, problems and changes stand at their pictures' places, however the work is parted."""
    members = {f"{i}.png": png(image) for i, image in enumerate(noise(11))} | {"7.png": b"", "10.png": b""}
    members |= {f"{i}.png": png(noise(11)[i], "RGB") for i in (2, 9)}
    path = make_zip(tmp_path / "a.zip", members)
    with open_archive(path) as archive:
        alone = read_pictures(archive, list(members))
        monkeypatch.setattr("ferlab.datasets.archive._WORTH_A_PROCESS", 4)
        monkeypatch.setattr("os.cpu_count", lambda: 3)
        parted = read_pictures(archive, list(members))
    np.testing.assert_array_equal(parted.images, alone.images)
    np.testing.assert_array_equal(parted.images[:7], noise(11)[:7])
    assert parted[1:] == alone[1:]
    assert sorted(parted.problems) == [7, 10]
    assert parted.notices() == ["2 pictures were changed: RGB 48x48 became grey 48x48 (2)"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (png(noise(1)[0])[:900], "can't be decoded"),  # cut off
        (b"", "can't be decoded"),
        (b"<html>404</html>", "can't be decoded"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "it is PostScript"),
        (png(noise(1)[0][:32, :40]), "is 40x32, not a square"),
        (png(np.zeros((1100, 1100), np.uint8)), "is 1100x1100, far more pixels"),
    ],
    ids=["cut off", "empty", "not a picture", "another program's", "not square", "too large"],
)
def test_a_bad_picture_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = make_zip(tmp_path / "a.zip", {"good.png": png(noise(1)[0]), "train/happy/bad.png": content})
    with open_archive(path) as archive:
        assert picture_members(archive) == ["good.png", "train/happy/bad.png"]
        found = read_pictures(archive, picture_members(archive))
    assert list(found.problems) == [1]
    assert problem in found.problems[1]
    np.testing.assert_array_equal(found.images[0], noise(1)[0])


def test_pictures_that_unpack_to_too_much_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them may be as large as it is."""
    monkeypatch.setattr("ferlab.datasets.archive.LARGEST_TOTAL", 5000)
    path = make_zip(tmp_path / "a.zip", {f"{i}.png": png(image) for i, image in enumerate(noise(3))})
    with pytest.raises(UserError, match="far more than a dataset"), open_archive(path) as archive:
        read_pictures(archive, picture_members(archive))


def test_more_files_than_any_dataset_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferlab.datasets.archive.MOST_FILES", 2)
    path = make_zip(tmp_path / "a.zip", dict.fromkeys("abc", b""))
    with pytest.raises(UserError, match="holds 3 files"), open_archive(path):
        pass


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("place", range(37, 99, 6))
def test_a_member_of_which_a_byte_was_changed(tmp_path: Path, compression: int, place: int) -> None:
    """Whether the checksum, the decompressor or the decoder is the first to stumble."""
    path = make_zip(
        tmp_path / "a.zip", {"bad.png": png(np.arange(48 * 48, dtype=np.uint8).reshape(48, 48))}, compression
    )
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    with open_archive(path) as archive:
        assert "can't be decoded" in read_pictures(archive, ["bad.png"])[1][0]


@pytest.mark.parametrize("place", range(42, 78, 6))
def test_a_table_of_which_a_byte_was_changed(tmp_path: Path, place: int) -> None:
    path = make_zip(tmp_path / "a.zip", {"fer2013.csv": "emotion,pixels,Usage\n" + "1 2 3 4 " * 99})
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UserError) as caught, open_archive(path) as archive:
        archive.read("fer2013.csv")
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "no such file"), (b"", "not a whole zip"), (b"emotion,pixels", "not a whole zip")]
)
def test_no_archive(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "fer2013.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=problem) as caught, open_archive(path):
        pass
    assert caught.value.where == str(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_an_archive_cut_off_on_its_way(tmp_path: Path, share: float) -> None:
    path = make_zip(tmp_path / "a.zip", {f"{i}.png": png(image) for i, image in enumerate(noise(4))})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match=f"{path.stat().st_size:,} bytes long") as caught, open_archive(path):
        pass
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    "name",
    ["../../train/happy/Training_1.png", "/train/happy/Training_1.png", "C:\\happy\\Training_1.png", "a/../b.png"],
)
def test_paths_that_lead_out_of_an_archive(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "a.zip", {name: png(noise(1)[0])})
    with open_archive(path) as archive:
        (member,) = picture_members(archive)
        assert read_pictures(archive, [member])[1] == {0: f"{OUTSIDE}: unpack it into a folder, and give that"}
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_a_symbolic_link_is_no_picture(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("happy/Training_1.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with open_archive(tmp_path / "a.zip") as archive:
        assert "is a link" in read_pictures(archive, [link.filename])[1][0]


def test_pictures_that_unpack_to_far_too_much(tmp_path: Path) -> None:
    """Two megabytes of zeros; a picture whose header says 20,000 x 20,000 and is never unpacked."""
    header = bytearray(png(noise(1)[0]))
    header[16:24] = (20_000).to_bytes(4) * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4)
    path = make_zip(tmp_path / "a.zip", {"0.png": bytes(2**21), "1.png": bytes(header)})
    with open_archive(path) as archive:
        problems = read_pictures(archive, ["0.png", "1.png"])[1]
    assert "2,097,152 bytes, far more" in problems[0]
    assert "far more" in problems[1]


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"), open_archive(tmp_path):
        pass
