"""Networks and features in colour, by closed forms; weights and checkpoints of the other kind are refused by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ferlab.classifiers.architectures import build
from ferlab.classifiers.augment import augment, draw_amounts
from ferlab.classifiers.cnn import Cnn
from ferlab.classifiers.code_maps import CodeMaps
from ferlab.classifiers.features import extract
from ferlab.classifiers.inference import n_channels, to_input
from ferlab.classifiers.sift import Grid, dense_sift
from ferlab.classifiers.weights import adopt, first_weights
from ferlab.data.colour import RGB, to_channels, to_grey
from ferlab.errors import UserError
from ferlab.files import sha256_file
from ferlab.params import Augmentation, HogFeatures, LbpFeatures, PixelFeatures
from ferlab.testing.classifiers import TRAIN, VALID, fit, saved
from ferlab.testing.faces import coloured
from ferlab.training.checkpoint import Checkpoints
from small import network, noise, vgg

GREY_ONES = noise(4)
THREE = to_channels(GREY_ONES, RGB)
COLOURS = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), dtype=np.uint8)
FIRST = {network: "conv1.weight", vgg: "features.0.weight"}


@pytest.mark.parametrize("make", FIRST)
def test_weights_in_colour_see_a_grey_picture_of_three_equal_channels_as_summed_ones_do(make: Any) -> None:
    """The first filters are taken whole for RGB, and all others alike."""
    torch.manual_seed(0)
    published = build(make(), 7, RGB).state_dict()
    in_grey, in_colour = build(make(), 7).eval(), build(make(), 7, RGB).eval()
    for model in (in_grey, in_colour):
        adopt(model, published, "a test")
    assert torch.equal(in_colour.state_dict()[FIRST[make]], published[FIRST[make]])
    one, three = (to_input(torch.from_numpy(images), 48) for images in (GREY_ONES, THREE))
    torch.testing.assert_close(in_colour(three), in_grey(one), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(in_colour(three), in_colour(to_input(torch.from_numpy(COLOURS), 48)))


@pytest.mark.parametrize("make", FIRST)
def test_weights_of_grey_faces_are_refused_in_colour(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "grey.pth"
    torch.save(build(make(), 7).state_dict(), path)
    settings = make(weights=str(path), weights_sha256=sha256_file(path))
    assert n_channels(first_weights(settings, 7)) == 1
    with pytest.raises(UserError, match="of grey images, and the study's are RGB"):
        first_weights(settings, 7, RGB)


def test_input_keeps_the_channels_apart() -> None:
    found = to_input(torch.from_numpy(COLOURS), 32)
    assert found.shape == (4, 3, 32, 32)
    for channel in range(3):
        expected = to_input(torch.from_numpy(COLOURS[..., channel].copy()), 32)
        assert torch.equal(found[:, [channel]], expected)


@pytest.mark.parametrize("crop", [0.7, 1.0])
def test_augmentation_moves_all_channels_together(crop: float) -> None:
    settings = Augmentation(rotation=30, translation=0.2, crop=crop, flip=True)
    amounts = draw_amounts(4, torch.Generator().manual_seed(0))
    whole = to_input(torch.from_numpy(COLOURS), 48)
    found = augment(whole, settings, amounts, 40)
    for channel in range(3):
        torch.testing.assert_close(found[:, [channel]], augment(whole[:, [channel]], settings, amounts, 40))


@pytest.mark.parametrize(
    "features",
    [
        lambda images: extract(images, HogFeatures(kind="hog", orientations=9, cell=8, block=2)),
        lambda images: extract(images, LbpFeatures(kind="lbp", radius=1, grid=4)),
        lambda images: np.concatenate(list(dense_sift(images, Grid((4,), 8)))),
    ],
    ids=["hog", "lbp", "sift"],
)
def test_features_of_grey_levels_are_those_of_the_luma(features: Callable[[np.ndarray], np.ndarray]) -> None:
    np.testing.assert_array_equal(features(COLOURS), features(to_grey(COLOURS)))
    np.testing.assert_array_equal(features(THREE), features(GREY_ONES))


def test_pixels_are_of_all_channels() -> None:
    found = extract(COLOURS, PixelFeatures(kind="pixels", components=None))
    np.testing.assert_array_equal(found, COLOURS.reshape(4, -1) / 255)


def test_codes_are_of_the_grey_levels() -> None:
    maps = CodeMaps(2)
    one, three = (maps.codes(to_input(torch.from_numpy(images), 48)) for images in (GREY_ONES, THREE))
    assert torch.equal(one, three)
    luma = torch.from_numpy(to_grey(COLOURS).copy())
    exact = maps.codes(to_input(torch.from_numpy(COLOURS), 48)) == maps.codes(to_input(luma, 48))
    assert exact.float().mean() > 0.97  # but where neighbours are equal after the luma's rounding to whole levels


def test_a_checkpoint_or_a_run_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    settings = vgg()
    in_grey, in_colour = (Cnn(settings, sets.faces) for sets in (TRAIN, coloured(TRAIN)))
    fit(in_grey, Checkpoints(tmp_path / "flight", 1e9))
    with pytest.raises(UserError, match="checkpoint"):
        fit(in_colour, Checkpoints(tmp_path / "flight", 1e9), coloured(TRAIN), coloured(VALID))
    with pytest.raises(UserError, match="not of this network"):
        in_colour.load(saved(in_grey, tmp_path / "saved"))
