"""Diversity, collapse and copies, against numpy's correlation."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from ferlab.gan.quality import judge
from small import noise

LIMITS = {"collapse_ratio": 0.3, "copy_correlation": 0.98}


def alike(n: int, amount: int, seed: int) -> NDArray[np.uint8]:
    """n variations of one picture; the larger the amount, the further apart."""
    middle = noise(1, 7)[0].astype(int)
    shifts = np.random.default_rng(seed).integers(-amount, amount + 1, (n, 48, 48))
    return np.clip(middle + shifts, 0, 255).astype(np.uint8)


def correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def spread(images: NDArray[np.uint8]) -> float:
    return float(np.mean([1 - correlation(a, b) for a, b in combinations(images, 2)]))


def test_against_corrcoef() -> None:
    fake, real = alike(6, 40, 1), alike(9, 80, 2)
    quality = judge(fake, real, **LIMITS)
    nearest = [max(correlation(a, b) for b in real) for a in fake]
    assert quality.diversity == pytest.approx(spread(fake) / spread(real), abs=1e-6)
    assert quality.nearest_real == pytest.approx(np.median(nearest), abs=1e-6)
    assert quality.copies == 0


def test_the_real_faces_against_themselves() -> None:
    real = alike(9, 80, 2)
    quality = judge(real, real, **LIMITS)
    assert quality.diversity == 1.0
    assert quality.nearest_real == 1.0
    assert quality.copies == 9
    assert not quality.collapsed


def test_a_collapsed_set_is_flagged() -> None:
    """CASE 28: almost the same picture over and over."""
    real = noise(9)
    assert judge(alike(6, 3, 1), real, **LIMITS).collapsed
    same = judge(np.repeat(noise(1, 5), 6, axis=0), real, **LIMITS)
    assert same.diversity == pytest.approx(0, abs=1e-9)
    assert same.collapsed
    assert not judge(noise(6, 3), real, **LIMITS).collapsed


@pytest.mark.parametrize("shift", [-1e-3, 1e-3])
def test_the_limit_of_collapse_is_the_parameter(shift: float) -> None:
    fake, real = alike(6, 40, 1), alike(9, 80, 2)
    limit = judge(fake, real, **LIMITS).diversity + shift
    assert judge(fake, real, limit, 0.98).collapsed == (shift > 0)


def test_copies_among_new_faces() -> None:
    """Two real frames and one with a changed corner among four new faces; brightness and contrast don't matter."""
    real = noise(9) // 2
    changed = real[4].copy()
    changed[:2, :2] = 255
    fake = np.concatenate([noise(4, 3), real[[0, 1]], [changed], [real[2] + 50]])
    quality = judge(fake, real, **LIMITS)
    expected = sum(max(correlation(a, b) for b in real) >= 0.98 for a in fake)
    assert quality.copies == expected == 4
    assert judge(fake, real, 0.3, 1.0 - 1e-9).copies == 3


def test_constant_images() -> None:
    """A grey image correlates with nothing; real images that are all alike make no set diverse."""
    grey = np.full((4, 48, 48), 128, np.uint8)
    quality = judge(grey, noise(9), **LIMITS)
    assert (quality.nearest_real, quality.copies) == (0.0, 0)
    flat = judge(noise(4), np.repeat(noise(1), 3, axis=0), **LIMITS)
    assert flat.collapsed
