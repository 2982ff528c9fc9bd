"""Pictures in colour: kept where a study has three channels, grey where it has one, and refused alike."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ferlab.data.colour import GREY, RGB, to_grey
from ferlab.datasets import forms, own
from ferlab.datasets.picture import PictureError, read_face
from ferlab.datasets.reading import Reading
from ferlab.detection.faces import read_faces
from ferlab.parts import DatasetPart
from ferlab.testing.faces import barred, coloured, drawn
from small import make_zip, png

COLOURS = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "YCbCr")
FOLDERS = {
    "fer2013": {
        "train": "train/{}/Training_{}.png",
        "valid": "test/{}/PublicTest_{}.png",
        "test": "test/{}/PrivateTest_{}.png",
    },
    "ckplus": {"all": "CK+48/{}/S{:03d}_001_00000012.png"},
    "folder": {"train": "train/{}/{}.png", "test": "test/{}/{}.png"},
}


def stored(mode: str) -> io.BytesIO:
    """A picture of a face's size in some mode."""
    picture = Image.fromarray(COLOURS)
    if mode == "I;16":
        picture = Image.fromarray(to_grey(COLOURS[None])[0].astype(np.uint16) * 257)
    elif mode == "RGBA":
        picture.putalpha(Image.fromarray(COLOURS[..., 0]))
    else:
        picture = picture.convert(mode)
    content = io.BytesIO()
    picture.save(content, "TIFF" if mode in ("CMYK", "YCbCr", "I;16") else "PNG")
    content.seek(0)
    return content


@pytest.mark.parametrize("mode", MODES)
def test_any_picture_is_the_same_in_colour_and_then_grey_as_in_grey(mode: str) -> None:
    in_colour, _ = read_face(stored(mode), channels=RGB)
    in_grey, _ = read_face(stored(mode))
    assert in_colour.shape == (48, 48, 3)
    away = np.abs(to_grey(in_colour[None])[0].astype(int) - in_grey)
    assert away.max() <= (1 if mode in ("CMYK", "YCbCr") else 0)  # their own roundings
    if mode in ("1", "L", "LA", "I;16"):
        assert (in_colour == in_grey[..., None]).all()


def test_a_picture_in_colour_is_kept_to_the_bit_and_a_grey_one_is_said_to_have_become_rgb() -> None:
    found, change = read_face(stored("RGB"), channels=RGB)
    np.testing.assert_array_equal(found, COLOURS)
    assert change == ""
    assert read_face(stored("L"), channels=RGB)[1] == "L 48x48 became RGB 48x48"


@pytest.mark.parametrize("mode", ["LAB", "RGBA", "F"])
def test_what_misleads_is_refused_in_colour_too(mode: str) -> None:
    content = io.BytesIO()
    of = {"LAB": (3, 3, 3), "RGBA": (9, 9, 9, 0), "F": float("nan")}[mode]
    Image.new(mode, (48, 48), of).save(content, "TIFF")
    for channels in (GREY, RGB):
        content.seek(0)
        with pytest.raises(PictureError):
            read_face(content, channels=channels)


@pytest.mark.parametrize("dataset", FOLDERS)
def test_colours_survive_the_reading_of_a_data_set(dataset: str, tmp_path: Path) -> None:
    names = ("angry", "happy") if dataset == "folder" else ("angry", "disgust", "fear", "happy", "sad", "surprise")
    faces = coloured(barred(1, classes=names))
    members = {
        place.format(name, i): png(image, "RGB")
        for split, place in FOLDERS[dataset].items()
        for i, (name, image) in enumerate(zip(names, faces.images, strict=True))
    }
    path = make_zip(tmp_path / "set.zip", members)
    for channels, expected in ((RGB, faces.images), (GREY, to_grey(faces.images))):
        sets = forms.read_as(path, dataset, side=48, channels=channels).sets
        for images in sets.values():
            assert images.channels == channels
            assert {image.tobytes() for image in images.images} == {image.tobytes() for image in expected}


def test_a_form_that_reads_grey_alone_still_works_and_says_so(tmp_path: Path) -> None:
    images = drawn(1)

    def read(archive: object, *, side: int, classes: object) -> Reading:
        return Reading("mine", "my own", {"train": images}, [])

    part = DatasetPart(lambda archive: True, read)
    found = own.read_by(part)(None, side=48, classes=None, channels=RGB)
    assert (found.sets["train"].images == images.images[..., None]).all()
    assert "images are grey: their three channels are equal" in found.notices
    assert own.read_by(part)(None, side=48, classes=None, channels=GREY).sets["train"] is images


@pytest.mark.parametrize("whole", [True, False])
def test_a_face_of_a_picture_is_of_the_channels_that_a_classifier_knows(whole: bool) -> None:
    picture = read_faces(stored("RGB"), 48, RGB, whole=whole)
    np.testing.assert_array_equal(picture.faces[0].pixels, COLOURS)
    assert (picture.how, picture.change) == ("as_is", "")
    assert read_faces(stored("L"), 48, RGB, whole=whole).change == "L 48x48 became RGB 48x48"
