"""A picture file's faces: as they are, found, or the whole; and the files that a user means."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from drawn import FACES, scene
from ferlab.datasets.forms import read_as
from ferlab.datasets.picture import PictureError, read_face
from ferlab.detection.faces import Picture, read_faces
from ferlab.detection.folder import files_of
from small import noise

SCENE = scene((240, 150), {(10, 20): 100, (130, 20): 90})
TURNS = {  # what a camera does to a picture that the tag's value undoes
    1: lambda picture: picture,
    2: np.fliplr,
    3: lambda picture: np.rot90(picture, 2),
    4: np.flipud,
    5: np.transpose,
    6: np.rot90,
    7: lambda picture: np.rot90(picture, 2).T,
    8: lambda picture: np.rot90(picture, -1),
}


def stored(picture: Image.Image, kind: str = "PNG", **options: Any) -> io.BytesIO:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    content.seek(0)
    return content


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_picture_of_a_faces_size_is_taken_bit_for_bit_and_not_searched(mode: str) -> None:
    picture = read_faces(stored(Image.fromarray(noise(1)[0]).convert(mode)), 48)
    assert (picture.how, len(picture.faces), picture.width, picture.height) == ("as_is", 1, 48, 48)
    np.testing.assert_array_equal(picture.faces[0].pixels, noise(1)[0])
    assert picture.change == ("" if mode == "L" else f"{mode} 48x48 became grey 48x48")


@pytest.mark.parametrize("size", [(48, 48), (61, 61), (96, 96)])
def test_the_whole_is_what_read_face_makes(size: tuple[int, int]) -> None:
    file = stored(Image.fromarray(FACES[0]).resize(size))
    picture = read_faces(file, whole=True)
    file.seek(0)
    pixels, change = read_face(file)
    np.testing.assert_array_equal(picture.faces[0].pixels, pixels)
    assert picture.change == change
    assert picture.faces[0].box.corners == (0, 0, *size)


@pytest.mark.parametrize("size", [(61, 80), (81, 60), (48, 49), (300, 48)])
def test_of_the_whole_of_a_picture_that_isnt_square_the_middle_is_taken_as_by_data_sets(
    size: tuple[int, int], tmp_path: Path
) -> None:
    """The same picture in a folder of a data set and given to `predict` is the same face."""
    for name in ("happy/0.png", "sad/1.png"):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(FACES[0]).resize(size).save(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in tmp_path.glob("*/*.png"):
            archive.write(path, path.relative_to(tmp_path).as_posix())
    known = read_as(tmp_path / "set.zip", "folder", side=48, classes=None).sets["all"].images[0]
    with (tmp_path / "happy" / "0.png").open("rb") as file:
        picture = read_faces(file, whole=True)
    np.testing.assert_array_equal(picture.faces[0].pixels, known)
    edge = min(size)
    assert (picture.faces[0].box.width, picture.faces[0].box.height) == (edge, edge)
    assert picture.change.endswith("its middle square is taken")


def test_a_study_of_larger_faces_takes_larger_pictures_as_they_are() -> None:
    picture = Image.fromarray(FACES[0]).resize((96, 96))
    assert read_faces(stored(picture), 96).how == "as_is"
    assert read_faces(stored(picture), 48).how == "detected"


def test_found_faces_are_cropped_and_have_the_side_that_is_asked_for() -> None:
    for side in (48, 64):
        picture = read_faces(stored(SCENE), side)
        assert (picture.how, len(picture.faces)) == ("detected", 2)
        for face in picture.faces:
            crop = SCENE.crop(face.box.corners).resize((side, side), Image.Resampling.BILINEAR)
            np.testing.assert_array_equal(face.pixels, np.asarray(crop))


def turned(value: int, kind: str) -> Picture:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    picture = Image.fromarray(np.ascontiguousarray(TURNS[value](np.asarray(SCENE))))
    return read_faces(stored(picture, kind, exif=exif))


@pytest.mark.parametrize("value", TURNS)
def test_what_the_camera_turned_is_turned_back_before_faces_are_searched(value: int) -> None:
    expected, found = read_faces(stored(SCENE)), turned(value, "PNG")
    assert (found.width, found.height) == SCENE.size
    assert [face.box for face in found.faces] == [face.box for face in expected.faces]
    for face, other in zip(found.faces, expected.faces, strict=True):
        np.testing.assert_array_equal(face.pixels, other.pixels)
    assert found.change == ("turned upright" if value > 1 else "")


def test_a_cameras_jpeg_is_turned_too() -> None:
    assert len(turned(6, "JPEG").faces) == 2


def test_a_picture_without_a_face_has_none_and_what_is_no_picture_is_refused() -> None:
    assert read_faces(stored(Image.new("L", (200, 100), 90))).faces == ()
    with pytest.raises(PictureError, match="can't be decoded"):
        read_faces(io.BytesIO(b"no picture"))


def test_a_folder_stands_for_all_files_below_it_but_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "below/c.png", ".hidden.png", ".folder/d.png", "below/.e.png"):
        (tmp_path / "all" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "all" / name).touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "all" / "loop").symlink_to(tmp_path / "all")
    long = tmp_path / ("x" * 5000)
    files, problems = files_of([tmp_path / "absent.png", long, tmp_path / "all", tmp_path / "empty"])
    assert [str(path.relative_to(tmp_path)) for path in files] == [
        "absent.png",
        "all/a.png",
        "all/b.png",
        "all/below/c.png",
    ]
    assert problems == [(long, "File name too long"), (tmp_path / "empty", "is a folder that holds no files")]
