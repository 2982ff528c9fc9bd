"""Pictures in zip archives: junk is left out, damage is named."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from ferlab.data.archive import open_archive, picture_members, read_pictures
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
        np.testing.assert_array_equal(read_pictures(archive, ["2.png", "0.png"]), images[[2, 0]])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (png(noise(1)[0])[:900], "can't be decoded"),  # CASE 26
        (b"", "can't be decoded"),
        (b"<html>404</html>", "can't be decoded"),
        (png(noise(1)[0], "RGB"), "48x48 in mode RGB"),
        (png(noise(1)[0], "LA"), "48x48 in mode LA"),
        (png(noise(1)[0], "1"), "48x48 in mode 1"),
        (png(noise(1)[0][:32, :40]), "40x32 in mode L"),
    ],
    ids=["cut off", "empty", "not a picture", "colour", "alpha", "bilevel", "another size"],
)
def test_a_bad_picture_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = make_zip(tmp_path / "a.zip", {"good.png": png(noise(1)[0]), "train/happy/bad.png": content})
    with open_archive(path) as archive, pytest.raises(UserError) as caught:
        read_pictures(archive, picture_members(archive))
    assert "train/happy/bad.png" in caught.value.what
    assert problem in caught.value.what
    assert caught.value.where == str(path)


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
    with open_archive(path) as archive, pytest.raises(UserError, match=r"bad\.png can't be decoded"):
        read_pictures(archive, ["bad.png"])


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


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"), open_archive(tmp_path):
        pass
