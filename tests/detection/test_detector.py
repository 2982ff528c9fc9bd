"""Where faces are found: drawn ones at known places, and a public-domain photograph that scikit-image ships."""

import numpy as np
import pytest
from matplotlib.cbook import get_sample_data
from PIL import Image
from skimage.data import astronaut

from drawn import EXPRESSIONS, FACES, scene
from ferlab.detection.detector import Box, find_faces


@pytest.mark.parametrize(
    ("size", "faces"),
    [
        ((320, 200), {(20, 40): 100, (180, 30): 120}),
        ((400, 160), {(10, 10): 130, (140, 10): 130, (270, 10): 120}),  # side by side
        ((1600, 1000), {(100, 100): 500, (900, 300): 400}),  # made smaller to be searched
        ((120, 120), {(0, 0): 120}),  # it fills the picture
        ((240, 200), {}),
    ],
)
def test_each_drawn_face_is_found_once_and_in_its_place(
    size: tuple[int, int], faces: dict[tuple[int, int], int]
) -> None:
    found = find_faces(scene(size, faces))
    assert len(found) == len(faces)
    for (x, y), side in faces.items():
        (box,) = [
            box for box in found if x < box.x + box.width / 2 < x + side and y < box.y + box.height / 2 < y + side
        ]
        assert box.x + box.width / 2 == pytest.approx(x + side / 2, abs=side / 8)
        assert box.y + box.height / 2 == pytest.approx(y + side / 2, abs=side / 8)
        assert 0.55 < box.width / side <= 1
        assert box.width == box.height
    assert [box.width for box in found] == sorted((box.width for box in found), reverse=True)
    assert all(0 <= box.x <= size[0] - box.width and 0 <= box.y <= size[1] - box.height for box in found)


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (40, 40)])
def test_a_picture_too_small_for_any_face_has_none(size: tuple[int, int]) -> None:
    assert find_faces(Image.new("L", size, 90)) == []


def test_a_photographs_face_is_the_largest_found() -> None:
    """Its eyes lie in the box's upper half."""
    largest = find_faces(Image.fromarray(astronaut()).convert("L"))[0]
    for x, y in ((206, 104), (243, 104)):
        assert largest.x < x < largest.x + largest.width
        assert largest.y < y < largest.y + largest.height / 2
    assert largest.width < 150


def test_two_boxes_around_one_face_are_one() -> None:
    """The cascade alone gives this photograph, which matplotlib ships, two that overlap."""
    with get_sample_data("grace_hopper.jpg") as file:
        assert len(find_faces(Image.open(file).convert("L"))) == 1


@pytest.mark.parametrize("expression", ["happy", "angry"])
def test_a_face_is_found_again_in_its_own_crop(expression: str) -> None:
    """It fills the picture, as crops that people have do; the cascade searches no window that touches the border."""
    face = Image.fromarray(FACES[EXPRESSIONS.index(expression)]).resize((240, 240))
    crop = face.crop(find_faces(face)[0].corners)
    (box,) = find_faces(crop)
    assert box.width > 0.9 * crop.width


def test_a_face_lying_on_its_side_is_not_found() -> None:
    """So that a picture must be turned upright first."""
    face = Image.fromarray(FACES[0]).resize((120, 120))
    assert find_faces(face)
    assert not find_faces(Image.fromarray(np.rot90(np.asarray(face)).copy()))


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (Box(0, 0, 10, 10), 1.0),
        (Box(5, 0, 10, 10), 0.5),
        (Box(2, 2, 4, 4), 1.0),
        (Box(10, 0, 4, 4), 0.0),
        (Box(-30, 0, 4, 4), 0.0),
    ],
)
def test_how_much_two_boxes_share(other: Box, shared: float) -> None:
    assert Box(0, 0, 10, 10).shared_with(other) == other.shared_with(Box(0, 0, 10, 10)) == shared
