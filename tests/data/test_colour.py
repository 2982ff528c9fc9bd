"""Grey and RGB: against Pillow; what is blind to colour and what isn't; sets in colour."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ferlab.data.colour import GREY, LUMA, RGB, channels_of, to_channels, to_grey
from ferlab.data.gradients import oriented_gradients
from ferlab.data.images import Faces, ImageSet, concatenate, nothing
from ferlab.data.neighbours import correlation, first_of_equals, near_groups, nearest
from ferlab.datasets.audit import image_table
from ferlab.quality.pixels import standardise
from ferlab.synthesis.mix import shuffled
from ferlab.testing.faces import coloured
from small import barred, noise

COLOURS = np.random.default_rng(0).integers(0, 256, (20, 48, 48, 3), dtype=np.uint8)


def test_luma_is_pillows_to_the_bit() -> None:
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in COLOURS]
    np.testing.assert_array_equal(to_grey(COLOURS), expected)
    assert sum(LUMA) == 1


def test_every_grey_level_survives_three_channels() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    three = to_channels(levels, RGB)
    assert (channels_of(three), channels_of(levels)) == (RGB, GREY)
    np.testing.assert_array_equal(three, np.asarray(Image.fromarray(levels[0]).convert("RGB"))[None])
    np.testing.assert_array_equal(to_channels(three, GREY), levels)
    assert to_channels(three, RGB) is three
    assert to_grey(levels) is levels


def test_near_copies_are_blind_to_colour_and_exact_ones_are_not() -> None:
    grey = noise(3)
    faces = np.concatenate([to_channels(grey, RGB), COLOURS[:2]])
    tinted = faces.copy()
    tinted[0, :, :, 0] ^= 1  # the luma of red's last bit is a rounding
    both = np.concatenate([faces, tinted])
    first, group = first_of_equals(both)
    assert first.tolist() == [0, 1, 2, 3, 4, 5]
    assert group.tolist() == [0, 1, 2, 3, 4, 5, 1, 2, 3, 4]
    assert near_groups(both, 0.99).tolist() == [0, 1, 2, 3, 4] * 2
    index, alike = nearest(tinted, faces)
    assert index.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(alike, correlation(to_grey(tinted), to_grey(faces)).astype(np.float32))


def test_what_is_defined_on_grey_levels_sees_the_luma() -> None:
    grey = to_grey(COLOURS[:3])
    np.testing.assert_array_equal(oriented_gradients(COLOURS[:3], 9, 8, 2), oriented_gradients(grey, 9, 8, 2))
    np.testing.assert_array_equal(standardise(COLOURS[:3]), standardise(grey))
    table = image_table({"train": coloured(barred(1)), "valid": coloured(barred(1)), "test": coloured(barred(1))}, 1, 1)
    assert not table["constant"].any()
    assert table["copy_in_train"].sum() == 14


def test_a_set_in_colour_goes_to_disk_and_comes_back(tmp_path: Path) -> None:
    images = coloured(barred(2))
    assert images.faces == Faces(images.classes, 48, RGB)
    images.save(tmp_path / "set")
    opened = ImageSet.open(tmp_path / "set")
    np.testing.assert_array_equal(opened.images, images.images)
    assert opened.digest() == images.digest() != barred(2).digest()
    twice = concatenate([opened.take(np.arange(3)), nothing(images.faces)], "train")
    assert (twice.images.shape, twice.channels) == ((3, 48, 48, 3), RGB)
    with pytest.raises(AssertionError):
        concatenate([images, barred(2)], "train")


def test_shuffled_pixels_keep_their_colours() -> None:
    """And lie where those of the same grey images lie."""
    images = barred(1)
    found = shuffled(coloured(images), "pixels", 3).images
    np.testing.assert_array_equal(found, coloured(replace(images, images=found[..., 0])).images)
    np.testing.assert_array_equal(found[..., 0], shuffled(images, "pixels", 3).images)


def test_pixels_of_grey_images_are_shuffled_as_ever() -> None:
    """One draw of NumPy's own, a row an image."""
    images = barred(1)
    flat = images.images.reshape(7, -1)
    expected = np.random.default_rng([3, 0, 1]).permuted(flat, axis=1).reshape(images.images.shape)
    np.testing.assert_array_equal(shuffled(images, "pixels", 3).images, expected)
