"""The null model: each of its fixed parts against a closed form, and that only its readout learns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.null_model import NullModel, draw_filters, features, normalised, pooled
from ferlab.data.images import ImageSet
from ferlab.params import NullModelClassifier
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from ferlab.training.seeding import random_generator
from small import NULL_MODEL, barred, noise


def settings(**changes: Any) -> NullModelClassifier:
    return NullModelClassifier.model_validate(NULL_MODEL | changes)


def fitted(folder: Path, train: ImageSet, **changes: Any) -> NullModel:
    made = NullModel(settings(**changes))
    made.fit(train, train, TrainingPlan(0, "cpu"), observe=ignore, checkpoints=Checkpoints(folder, 1e9))
    return made


def test_normalised_by_hand() -> None:
    """Within the picture: less the window's mean, over the root mean square of what is left in the window."""
    faces = noise(1)
    found = normalised(faces, settings())[0, 0].numpy()
    grey = faces[0].astype(np.float64) / 255
    means = np.array([[grey[y - 2 : y + 3, x - 2 : x + 3].mean() for x in range(2, 46)] for y in range(2, 46)])
    left = grey[2:46, 2:46] - means
    spread = np.sqrt((left[18:23, 18:23] ** 2).mean())
    assert found[22, 22] == pytest.approx(left[20, 20] / spread, rel=1e-4)


def test_contrast_and_brightness_make_no_difference_above_the_floor() -> None:
    faces = noise(2) // 4
    found, brighter = (normalised(one, settings(floor=1e-3)) for one in (faces, 2 * faces + 60))
    torch.testing.assert_close(found, brighter, atol=1e-3, rtol=1e-3)


def test_an_image_of_one_grey_is_nothing() -> None:
    assert normalised(np.full((1, 48, 48), 77, np.uint8), settings()).abs().max() < 1e-5


def test_filters_see_white_patches_and_no_brightness() -> None:
    """What filters of all components find in patches of the training images has the variance of a random direction: 1.

    With fewer components it has theirs; and whatever is added to a patch changes nothing.
    """
    faces = noise(60) // 2
    wanted = settings(window=0, components=24, filters=200, patches=6000)
    filters = draw_filters(faces, wanted, random_generator(0, "filters")).double()
    torch.testing.assert_close(filters.sum(dim=(1, 2, 3)), torch.zeros(200, dtype=torch.float64), atol=1e-4, rtol=0)
    found = torch.nn.functional.conv2d(normalised(faces, wanted).double(), filters)
    assert found.square().mean().item() == pytest.approx(1, rel=0.05)


def test_filters_of_pixels_have_length_one_and_hang_on_the_seed_alone() -> None:
    wanted = settings(components=None)
    first, second = (draw_filters(noise(2, seed), wanted, random_generator(0, "filters")) for seed in (0, 1))
    assert torch.equal(first, second)
    torch.testing.assert_close(first.flatten(1).norm(dim=1), torch.ones(6))
    assert not torch.equal(first, draw_filters(noise(2), wanted, random_generator(1, "filters")))


@pytest.mark.parametrize(
    ("pooling", "expected"), [("mean", 2.5), ("square", np.sqrt((1 + 4 + 9 + 16) / 4)), ("max", 4.0)]
)
def test_pooling_by_hand(pooling: str, expected: float) -> None:
    maps = torch.tensor([[[[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 0.0], [0.0] * 4, [0.0] * 4]]])
    found = pooled(maps, settings(pooling=pooling, grid=2))
    assert found.flatten().tolist() == pytest.approx([expected, 0, 0, 0])


def test_both_half_waves_beyond_the_threshold() -> None:
    """A filter and its negative change places; what doesn't reach the threshold is nothing."""
    faces, wanted = noise(2), settings(grid=2)
    filters = draw_filters(faces, wanted, random_generator(0, "filters"))
    found, turned = features(faces, filters, wanted), features(faces, -filters, wanted)
    half = found.shape[1] // 2
    np.testing.assert_allclose(found[:, :half], turned[:, half:])
    assert not features(faces, filters, settings(threshold=1e4)).any()


def test_the_readout_is_the_ridge_regression_of_the_features(tmp_path: Path) -> None:
    train = barred(6)
    made = fitted(tmp_path, train)
    rows = features(train.images, made.arrays["filters"], made.settings).astype(np.float64)
    spread = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0)) / np.where(spread > 1e-6, spread, 1)
    known = Ridge(NULL_MODEL["alpha"], solver="svd").fit(rows, 2 * np.eye(7)[train.labels] - 1)
    np.testing.assert_allclose(made.arrays["weights"].numpy(), known.coef_, atol=1e-4)
    np.testing.assert_allclose(made.arrays["bias"].numpy(), known.intercept_, atol=1e-4)


def test_only_the_readout_knows_the_labels(tmp_path: Path) -> None:
    train = barred(3)
    turned = ImageSet(
        train.images, (train.labels + 1) % 7, train.classes, train.ids, train.subjects, train.origins, train.split
    )
    first, second = fitted(tmp_path, train), fitted(tmp_path, turned)
    for name in ("filters", "mean", "scale"):
        assert torch.equal(first.arrays[name], second.arrays[name])
    assert not torch.equal(first.arrays["weights"], second.arrays["weights"])


def test_blank_images_are_answered(tmp_path: Path) -> None:
    """A feature that never varies, and an image in which nothing is found."""
    train = barred(2)
    made = fitted(tmp_path, train, threshold=1e4)
    found = made.predict_proba(np.zeros((2, 48, 48), np.uint8))
    np.testing.assert_allclose(found, 1 / 7, atol=1e-6)


def test_more_components_than_a_patch_has_are_all_that_it_has() -> None:
    drawn = [draw_filters(noise(60), settings(components=k), random_generator(0, "filters")) for k in (24, 25, 900)]
    assert all(torch.equal(one, drawn[0]) for one in drawn)


def test_a_window_has_a_middle() -> None:
    with pytest.raises(ValueError, match="4 pixels have no middle"):
        settings(window=4)
