"""The recipe of features."""

import numpy as np

from ferlab.quality.features import hog
from small import noise


def test_shape_and_range() -> None:
    features = hog(noise(3))
    assert features.shape == (3, 900)
    blocks = features.reshape(3, 25, 36)
    np.testing.assert_allclose(np.square(blocks).sum(axis=2), 1, rtol=1e-6)
    assert not hog(np.full((1, 48, 48), 7, np.uint8)).any()
    assert hog(np.empty((0, 48, 48), np.uint8)).shape == (0, 900)


def test_an_edges_direction_is_seen() -> None:
    """A change from left to right lies in the first of nine directions, one from top to bottom in the middle."""
    ramp = np.tile(np.arange(48, dtype=np.uint8) * 5, (48, 1))
    across, down = (hog(image[None]).reshape(25, 4, 9).sum(axis=(0, 1)) for image in (ramp, ramp.T))
    assert across.argmax() == 0
    assert down.argmax() == 4


def test_brightness_and_contrast_do_not_matter() -> None:
    faces = noise(2) // 4
    np.testing.assert_allclose(hog(faces), hog(2 * faces + 60), atol=1e-4)
