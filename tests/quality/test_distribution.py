"""KID, FID, precision, recall, density and coverage, against closed forms, scipy and the package prdc."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from prdc import compute_prdc
from scipy.linalg import sqrtm

from ferlab.quality.distribution import fid, kid, manifold

ONE = np.ones((1, 40))


def points(n: int, d: int, seed: int, shift: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


def test_kid_against_its_definition() -> None:
    """Binkowski et al. 2018, equation 4, written out with loops over pairs."""
    x, y = points(6, 3, 0), points(5, 3, 1, 0.5)

    def k(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float((a @ b / 3 + 1) ** 3)

    within = [np.mean([k(z[i], z[j]) for i, j in product(range(len(z)), repeat=2) if i != j]) for z in (x, y)]
    between = np.mean([k(a, b) for a in x for b in y])
    found = kid(x, y, np.arange(6), np.arange(5), np.ones((1, 6)))
    assert found[0] == pytest.approx(sum(within) - 2 * between, rel=1e-12)


def test_kid_is_unbiased_also_for_frames_of_a_sequence() -> None:
    """Equal distributions give 0 on average; each point of x comes three times, as frames do."""
    values = []
    for seed in range(400):
        x = np.repeat(points(8, 4, 2 * seed), 3, axis=0)
        values.append(kid(x, points(24, 4, 2 * seed + 1), np.repeat(np.arange(8), 3), np.arange(24), np.ones((1, 24))))
    error = np.std(values) / 400**0.5
    assert abs(np.mean(values)) < 4 * error
    naive = kid(x, points(24, 4, 1), np.arange(24), np.arange(24), np.ones((1, 24)))
    assert naive[0] > values[-1][0] + 0.1


def test_kid_without_a_pair_is_undefined() -> None:
    assert np.isnan(kid(points(3, 2, 0), points(4, 2, 1), np.zeros(3, int), np.arange(4), np.ones((1, 3)))).all()


@pytest.mark.parametrize("d", [5, 60])
def test_fid_against_scipys_root(d: int) -> None:
    """Also with more features than images."""
    x, y = points(40, d, 0), 1.5 * points(30, d, 1, 0.3)
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    tiny = 1e-9 * np.eye(d)  # scipy's root of a singular matrix is no good
    root = sqrtm((a + tiny) @ (b + tiny)).real
    expected = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(a + b - 2 * root)
    assert fid(x, y, ONE)[0] == pytest.approx(expected, rel=2e-4)


def test_fid_of_normal_distributions_in_one_direction() -> None:
    """(difference of means)² + (difference of standard deviations)²."""
    x, y = points(40, 1, 0), 3 * points(25, 1, 1) + 2
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    two = np.hstack([x, np.zeros((40, 1))]), np.hstack([y, np.zeros((25, 1))])
    assert fid(*two, ONE)[0] == pytest.approx(expected, rel=1e-6)


def test_fid_of_a_set_with_itself_is_nothing() -> None:
    assert fid(points(40, 6, 0), points(40, 6, 0), ONE)[0] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_manifold_equals_prdc(k: int, shift: float) -> None:
    x, y = points(40, 4, 0), points(33, 4, 1, shift)
    expected = compute_prdc(x, y, k)
    found = manifold(x, y, k, ONE)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name][0] == pytest.approx(value, abs=1e-12), name
    assert 0 < found["precision"][0] < 1


def test_manifold_of_a_collapsed_set() -> None:
    """Precise, and covers nothing (Naeem et al. 2020)."""
    x = points(40, 4, 0)
    found = manifold(x, x.mean(axis=0) + 1e-3 * points(30, 4, 1), 5, ONE)
    assert found["precision"][0] == 1
    assert found["recall"][0] == 0


def test_k_is_bounded_by_the_sets() -> None:
    x, y = points(40, 2, 0), points(3, 2, 1)
    assert {k: v[0] for k, v in manifold(x, y, 9, ONE).items()} == {k: v[0] for k, v in manifold(x, y, 2, ONE).items()}


def test_weights_are_repetitions() -> None:
    """A draw's figures are those of the set that it draws (with balls of the whole set)."""
    x, y, groups = points(40, 3, 0), points(30, 3, 1, 0.5), np.arange(40)
    counts = np.random.default_rng(2).multinomial(40, np.full(40, 1 / 40))
    drawn, weights = np.repeat(np.arange(40), counts), counts[None].astype(float)
    ones = np.ones((1, 40))
    np.testing.assert_allclose(
        kid(x, y, groups, np.arange(30), weights), kid(x[drawn], y, groups[drawn], np.arange(30), ones)
    )
    np.testing.assert_allclose(fid(x, y, weights), fid(x[drawn], y, ones), rtol=1e-6)
    whole, part = manifold(x, y, 3, ones), manifold(x, y, 3, weights)
    assert part["precision"][0] < whole["precision"][0]
    assert part["coverage"][0] != whole["coverage"][0]
