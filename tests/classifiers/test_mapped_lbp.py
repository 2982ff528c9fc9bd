"""Mapped codes against scikit-image's patterns and against their distances written out; the members."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.stats import wasserstein_distance
from skimage.feature import local_binary_pattern
from torch import nn

from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.code_maps import CodeMaps, code_distances, code_points
from ferlab.classifiers.inference import to_input
from ferlab.classifiers.mapped_lbp import MappedLbp, on_codes
from ferlab.classifiers.resnet import Resnet
from ferlab.classifiers.vgg import Vgg
from ferlab.params import MappedLbpClassifier, NetworkClassifier
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from small import NETWORK, barred, network, noise, vgg


@pytest.mark.parametrize("radius", [1, 2, 5, 10])
def test_codes_against_scikit_image(radius: int) -> None:
    """Inside the border, beyond which the two go on differently."""
    images = noise(2)
    found = CodeMaps(radius).codes(to_input(torch.from_numpy(images), 48)).numpy()
    inside = slice(radius, 48 - radius)
    for code, image in zip(found, images, strict=True):
        expected = local_binary_pattern(image, 8, radius, "default")
        same = code[inside, inside] == expected[inside, inside]
        assert same.mean() > 0.999  # but for an interpolated neighbour as bright as the pixel, to a rounding


@pytest.mark.parametrize("grey", [0, 1, 93, 255])
def test_equal_neighbours_are_set(grey: int) -> None:
    """However rounding turns out: a plain image has one code."""
    images = torch.full((1, 48, 48), grey, dtype=torch.uint8)
    assert (CodeMaps(3).codes(to_input(images, 48)) == 255).all()


def test_one_grey_level_tells() -> None:
    image = torch.full((1, 48, 48), 93, dtype=torch.uint8)
    image[0, 20, 21] = 92  # right of (20, 20), whose neighbours on the diagonals it is a part of
    assert CodeMaps(1).codes(to_input(image, 48))[0, 20, 20] == 0b01111100


def test_distances_are_the_earth_mover_s() -> None:
    """Where both codes have equally many bits, it is scipy's distance of two distributions, times their number."""
    found = code_distances()
    places = np.arange(8)
    for a, b in ((0b00001111, 0b11000011), (0b00010000, 0b00000001), (0b01010101, 0b00111100)):
        bits, others = ((code >> places) & 1 for code in (a, b))
        either = (wasserstein_distance(places, places, bits, other) * bits.sum() for other in (others, others[::-1]))
        assert found[a, b] == pytest.approx(min(either))
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diag(found), 0)
    assert (found >= 0).all()


def test_points_of_a_plane_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distances that points in space have are kept, up to the scale."""
    rng = np.random.default_rng(0)
    places = rng.normal(size=(256, 3)) * [3, 2, 1]
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    monkeypatch.setattr("ferlab.classifiers.code_maps.code_distances", lambda: distances)
    points = code_points()
    found = np.linalg.norm(points[:, None] - points, axis=2)
    np.testing.assert_allclose(found / found.max(), distances / distances.max(), atol=1e-5)


def test_points_of_codes() -> None:
    points, distances = code_points(), code_distances()
    assert points.shape == (256, 3)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-6)
    assert points[:, 0].std() == pytest.approx(1)
    assert (points.max(axis=0) >= -points.min(axis=0) - 1e-6).all()
    found = np.linalg.norm(points[:, None] - points, axis=2)
    assert np.corrcoef(found.ravel(), distances.ravel())[0, 1] > 0.9


@pytest.mark.parametrize(("settings", "kind"), [(network(), Resnet), (vgg(), Vgg)], ids=["resnet50", "vgg16"])
def test_a_network_sees_the_codes_alone(settings: NetworkClassifier, kind: type) -> None:
    """Its kind is kept, on which the rates of its layers hang; brighter images have the same codes."""
    model = on_codes(settings, 2, 7).eval()
    assert isinstance(model, kind)
    images = torch.from_numpy(noise(3) // 4)
    with torch.inference_mode():
        np.testing.assert_allclose(model(to_input(images, 48)), model(to_input(images * 3, 48)), atol=1e-6)
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    assert (first.in_channels, first.weight.shape[1]) == (3, 3)
    assert not any("points" in name for name in model.state_dict())


def test_the_whole_is_the_members_mean(tmp_path: Path) -> None:
    settings = MappedLbpClassifier.model_validate(
        {"method": "mapped_lbp", "radii": [1, 3], "network": NETWORK | {"epochs": 1}}
    )
    classifier, images = MappedLbp(settings), noise(4)
    found = classifier.fit(
        barred(2), barred(1), TrainingPlan(0, "cpu"), observe=ignore, checkpoints=Checkpoints(tmp_path, 1e9)
    )
    assert [row["member"] for row in found.history] == [0, 1, 2, 3]
    assert set(found.notes) == {f"{name}_valid_accuracy" for name in ("grey", "radius1", "radius3")}
    with torch.inference_mode():
        each = [m.eval()(to_input(torch.from_numpy(images), 48)).softmax(dim=1) for m in classifier.models.values()]
    np.testing.assert_allclose(classifier.predict_proba(images), torch.stack(each).mean(dim=0), atol=1e-5)
    assert (each[1] != each[2]).any()


@pytest.mark.parametrize("changes", [{"radii": [2, 2]}, {"radii": []}, {"network": NETWORK | {"weights": "imagenet"}}])
def test_settings_that_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"radii|network"):
        MappedLbpClassifier.model_validate({"method": "mapped_lbp", "radii": [1], "network": NETWORK} | changes)
