"""Any picture becomes a face as the networks know faces."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ferlab.datasets.picture import read_face
from small import noise

FACE = noise(1)[0]


def test_a_face_of_the_right_kind_is_left_alone(tmp_path: Path) -> None:
    Image.fromarray(FACE).save(tmp_path / "face.png")
    found, change = read_face(tmp_path / "face.png")
    np.testing.assert_array_equal(found, FACE)
    assert change == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "1", "I;16", "LA"])
@pytest.mark.parametrize("size", [(48, 48), (200, 100), (1, 1)])
def test_any_picture_becomes_grey_and_48_pixels(tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    picture = Image.new("L", size, 100).convert("I" if mode == "I;16" else mode)
    picture = picture.convert("I;16") if mode == "I;16" else picture
    path = tmp_path / ("face.tif" if mode in ("CMYK", "I;16") else "face.png")
    picture.save(path)
    found, change = read_face(path)
    assert found.shape == (48, 48)
    assert found.dtype == np.uint8
    assert f"{size[0]}x{size[1]} became grey 48x48" in change


def test_a_camera_s_turn_is_undone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to look at it
    Image.fromarray(np.repeat(FACE[..., None], 3, axis=2)).save(tmp_path / "face.png", exif=exif)
    found, _ = read_face(tmp_path / "face.png")
    np.testing.assert_array_equal(found, np.rot90(FACE, -1))
