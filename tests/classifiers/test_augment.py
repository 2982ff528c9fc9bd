"""Augmentation against scipy's affine transform, and exact cases."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor
from torchvision.transforms.functional import InterpolationMode, affine, resize

from ferlab.classifiers.augment import augment, draw_amounts
from ferlab.params import Augmentation
from small import noise

SIDE = 48
FACES = torch.from_numpy(noise(6)).unsqueeze(1).double().float()


def change(
    images: Tensor, rotation: float, translation: float, flip: bool, seed: int = 0, crop: float = 1.0, side: int = SIDE
) -> Tensor:
    settings = Augmentation(rotation=rotation, translation=translation, crop=crop, flip=flip)
    return augment(images, settings, draw_amounts(len(images), torch.Generator().manual_seed(seed)), side)


def amounts(rotation: float, translation: float, flip: bool, n: int, seed: int = 0) -> list[tuple[float, ...]]:
    """What the generator's numbers mean: angle in radians, shift right and down in pixels, -1 to mirror."""
    turn, right, down, mirror, *_ = torch.rand(7, n, generator=torch.Generator().manual_seed(seed)).double()
    return [
        (np.radians(rotation) * (2 * t - 1), SIDE * translation * (2 * r - 1), SIDE * translation * (2 * d - 1),
         -1.0 if flip and m < 0.5 else 1.0)
        for t, r, d, m in zip(*(x.tolist() for x in (turn, right, down, mirror)), strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rotation", "translation", "flip"),
    [(10.0, 0.0, False), (0.0, 0.08, False), (0.0, 0.0, True), (10.0, 0.08, True), (180.0, 0.5, True)],
)
def test_against_scipy(rotation: float, translation: float, flip: bool) -> None:
    """Bilinear, nearest border pixel, about the middle of the picture; scipy counts rows first."""
    found = change(FACES, rotation, translation, flip)
    middle = (SIDE - 1) / 2
    for image, output, (angle, right, down, mirror) in zip(
        FACES, found, amounts(rotation, translation, flip, len(FACES)), strict=True
    ):
        matrix = np.array(
            [[np.cos(angle), np.sin(angle)], [-mirror * np.sin(angle), mirror * np.cos(angle)]]
        )  # (row, column) of the output to (row, column) of the input
        offset = np.array([down, right]) + middle - matrix @ np.array([middle, middle])
        expected = ndimage.affine_transform(image[0].numpy(), matrix, offset, order=1, mode="nearest")
        np.testing.assert_allclose(output[0].numpy(), expected, atol=0.02)  # of 255


def test_rotation_against_torchvision() -> None:
    """Away from the border, which torchvision fills with black."""
    found = change(FACES, 10.0, 0.0, False)
    for image, output, (angle, *_) in zip(FACES, found, amounts(10.0, 0.0, False, len(FACES)), strict=True):
        expected = affine(image, -np.degrees(angle), [0, 0], 1.0, [0.0], InterpolationMode.BILINEAR)
        torch.testing.assert_close(output[:, 8:-8, 8:-8], expected[:, 8:-8, 8:-8], rtol=0, atol=0.1)


def test_nothing_asked_for_is_the_same_picture() -> None:
    assert torch.equal(change(FACES, 0.0, 0.0, False), FACES)


def test_mirroring_alone_is_exact() -> None:
    found = change(FACES, 0.0, 0.0, True)
    mirrored = [bool(torch.allclose(a, b.flip(-1), atol=1e-2)) for a, b in zip(found, FACES, strict=True)]
    same = [bool(torch.allclose(a, b, atol=1e-2)) for a, b in zip(found, FACES, strict=True)]
    assert [a != b for a, b in zip(mirrored, same, strict=True)] == [True] * 6
    assert 0 < sum(mirrored) < 6


@pytest.mark.parametrize(("fraction", "turns"), [(0.0, -1), (0.5, 0), (1.0 - 2**-24, 1)])
def test_a_quarter_turn_is_exact(fraction: float, turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest angle either way: +90 degrees turns the picture clockwise or back, as a whole."""
    monkeypatch.setattr(torch, "rand", lambda *size, generator: torch.full(size, fraction))
    found = change(FACES, 90.0, 0.0, False)
    torch.testing.assert_close(found, FACES.rot90(turns, (2, 3)), rtol=0, atol=0.05)


def test_limits_of_the_amounts() -> None:
    """A white dot in the middle stays within the largest shift, whichever way, and comes near it."""
    dot = torch.zeros(400, 1, SIDE, SIDE)
    dot[:, :, 23:25, 23:25] = 1
    found = change(dot, 0.0, 0.25, False)
    mass = found.sum((1, 2, 3))
    places = torch.arange(SIDE) - (SIDE - 1) / 2
    for axis in (2, 3):
        centre = (found.sum((1, 5 - axis)) * places).sum(1) / mass
        assert centre.abs().max() <= 12.01
        assert centre.max() > 11.5
        assert centre.min() < -11.5


@pytest.mark.parametrize("side", [SIDE, 224])
def test_crops_against_scipy(side: int) -> None:
    """Each keeps its own share of the side, anywhere inside the picture, and is enlarged to the whole."""
    found = change(FACES, 0.0, 0.0, False, crop=0.5, side=side)
    *_, size, x, y = torch.rand(7, len(FACES), generator=torch.Generator().manual_seed(0)).double()
    for image, output, share, left, top in zip(FACES, found, 1 - size / 2, x, y, strict=True):
        kept = float(share * SIDE)
        steps = (torch.arange(side) + 0.5) / side * kept - 0.5
        rows, columns = (steps + float(start) * (SIDE - kept) for start in (top, left))
        expected = ndimage.map_coordinates(
            image[0].numpy(), np.meshgrid(rows.numpy(), columns.numpy(), indexing="ij"), order=1, mode="nearest"
        )
        np.testing.assert_allclose(output[0].numpy(), expected, atol=0.05)  # of 255


def test_a_larger_output_is_the_same_picture() -> None:
    """At 224 px in one sampling; with nothing else asked for it is torch's own bilinear resize."""
    found = change(FACES, 0.0, 0.0, False, side=224)
    torch.testing.assert_close(found, resize(FACES, [224, 224], antialias=False), rtol=0, atol=1e-3)
    tiny = change(FACES, 1e-7, 0.0, False, side=224)  # goes the other way round, through the sampling grid
    torch.testing.assert_close(tiny, found, rtol=0, atol=0.05)


def test_the_generator_decides() -> None:
    assert torch.equal(change(FACES, 10.0, 0.1, True, seed=1), change(FACES, 10.0, 0.1, True, seed=1))
    assert not torch.equal(change(FACES, 10.0, 0.1, True, seed=1), change(FACES, 10.0, 0.1, True, seed=2))
