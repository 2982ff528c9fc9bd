"""Diversity, against numpy's correlation."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from ferlab.quality.pixels import spread, standardise
from small import noise


def alike(n: int, amount: int, seed: int) -> NDArray[np.uint8]:
    """n variations of one picture; the larger the amount, the further apart."""
    middle = noise(1, 7)[0].astype(int)
    shifts = np.random.default_rng(seed).integers(-amount, amount + 1, (n, 48, 48))
    return np.clip(middle + shifts, 0, 255).astype(np.uint8)


def correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_spread_against_corrcoef() -> None:
    images = alike(7, 60, 1)
    groups, weights = np.array([0, 0, 1, 2, 2, 2, 3]), np.ones((1, 7))
    pairs = [(a, b) for a, b in combinations(range(7), 2) if groups[a] != groups[b]]
    expected = np.mean([1 - correlation(images[a], images[b]) for a, b in pairs])
    assert spread(standardise(images), groups, weights)[0] == pytest.approx(expected, abs=1e-12)


def test_an_image_of_weight_two_counts_as_two_images() -> None:
    images, groups = alike(4, 60, 1), np.arange(4)
    twice = np.array([0, 0, 1, 2, 3])
    expected = spread(standardise(images[twice]), groups[twice], np.ones((1, 5)))
    np.testing.assert_allclose(spread(standardise(images), groups, np.array([[2.0, 1, 1, 1]])), expected, rtol=1e-12)


def test_one_group_has_no_spread() -> None:
    assert np.isnan(spread(standardise(noise(3)), np.zeros(3, np.int64), np.ones((1, 3)))).all()
