"""Dense SIFT against Lowe's definition written out pixel by pixel, and what it is for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ferlab.classifiers.features import extract
from ferlab.classifiers.sift import BATCH, Grid, dense_sift
from ferlab.params import SiftFeatures
from small import noise

GRID = Grid((2, 5), 7)


def described(images: NDArray[np.uint8], grid: Grid = GRID) -> NDArray[np.float32]:
    return np.concatenate(list(dense_sift(images, grid)))


def written_out(image: NDArray[np.uint8], down: float, across: float, size: int) -> NDArray[np.float64]:
    """One descriptor, its centre and the side of its bins in pixels: trilinear shares of every pixel's gradient."""
    padded = np.pad(image.astype(float), 1, mode="edge")
    bins = np.zeros((4, 4, 8))
    for y in range(48):
        for x in range(48):
            dy = (padded[y + 2, x + 1] - padded[y, x + 1]) / 2
            dx = (padded[y + 1, x + 2] - padded[y + 1, x]) / 2
            turn = np.arctan2(dy, dx) % (2 * np.pi) / (2 * np.pi) * 8
            for i in range(4):
                for j in range(4):
                    near = max(0, 1 - abs((y - down) / size - (i - 1.5))) * max(
                        0, 1 - abs((x - across) / size - (j - 1.5))
                    )
                    weight = near * np.exp(-((i - 1.5) ** 2 + (j - 1.5) ** 2) / 8)
                    bins[i, j, int(turn) % 8] += weight * np.hypot(dx, dy) * (1 - turn % 1)
                    bins[i, j, (int(turn) + 1) % 8] += weight * np.hypot(dx, dy) * (turn % 1)
    found = np.minimum(bins.ravel() / np.linalg.norm(bins), 0.2)
    return found / np.linalg.norm(found)


@pytest.mark.parametrize("place", [0, 17, -1])
def test_against_the_definition(place: int) -> None:
    image = noise(1)
    sizes = np.repeat(GRID.bins, [len(GRID.starts(size)) ** 2 for size in GRID.bins])
    expected = written_out(image[0], *GRID.centres()[place], sizes[place])
    np.testing.assert_allclose(described(image)[0, place], expected, atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 11])
def test_a_descriptor_lies_within_the_image(size: int) -> None:
    """As far as its bins' own squares go; the shares of pixels reach half a bin further."""
    centres = Grid((size,), 1).centres()
    assert centres.min() - 2 * size >= -0.5
    assert centres.min() - 2 * size < 0.5
    assert centres.max() + 2 * size <= 47.5
    assert centres.max() + 2 * size > 46.5


def test_brightness_and_contrast_do_not_matter() -> None:
    image = noise(1) // 2
    np.testing.assert_allclose(described(image + np.uint8(40)), described(image), atol=1e-5)
    np.testing.assert_allclose(described(image * np.uint8(2)), described(image), atol=1e-5)


def test_stripes_have_gradients_across_them() -> None:
    """Orientation 0 looks right and 2 looks down; a turned image has turned bins."""
    grid = Grid((11,), 48)
    stripes = np.tile((np.arange(48) % 8 < 4).astype(np.uint8) * np.uint8(200), (48, 1))
    across, down = (described(image[None], grid).reshape(4, 4, 8) for image in (stripes, stripes.T))
    np.testing.assert_array_equal(np.delete(across, [0, 4], axis=2), 0)
    np.testing.assert_allclose(down.swapaxes(0, 1)[..., [2, 6]], across[..., [0, 4]], atol=1e-5)


@pytest.mark.parametrize("level", [0, 7, 255])
def test_nothing_to_see(level: int) -> None:
    np.testing.assert_array_equal(described(np.full((2, 48, 48), level, np.uint8)), 0)


def test_batches_are_in_order() -> None:
    images = noise(BATCH + 3)
    found = described(images)
    assert found.shape == (BATCH + 3, len(GRID.centres()), 128)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[-1], described(images[-1:])[0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1, rtol=1e-5)
    assert list(dense_sift(images[:0], GRID)) == []


def test_pooled_descriptors() -> None:
    """The mean of those whose centres are in a cell, size by size, cell by cell."""
    images = noise(3)
    settings = SiftFeatures(kind="sift", bins=list(GRID.bins), step=GRID.step, grid=3)
    found = extract(images, settings).reshape(3, 2, 3, 3, 128)
    descriptors, centres = described(images), GRID.centres()
    first = len(GRID.starts(2)) ** 2
    here = (centres[:first] // 16 == [1, 2]).all(axis=1)
    assert here.sum() > 1
    np.testing.assert_allclose(found[:, 0, 1, 2], descriptors[:, :first][:, here].mean(axis=1), atol=1e-6)
    assert extract(images[:0], settings).shape == (0, 2 * 9 * 128)


def test_a_cell_without_a_centre_has_zeros() -> None:
    found = extract(noise(1), SiftFeatures(kind="sift", bins=[8], step=48, grid=12)).reshape(144, 128)
    assert np.isfinite(found).all()
    assert found.any(axis=1).sum() == 1
