"""Near copies, against numpy's own correlations of every pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferlab.data import neighbours
from ferlab.data.neighbours import correlation, first_of_equals, near_groups, near_pairs, nearest
from small import noise


def every_correlation(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    rows, columns = (a.reshape(len(a), -1).astype(float) for a in (images, others))
    return np.corrcoef(rows, columns)[: len(rows), len(rows) :]


def family(n: int, seed: int = 0) -> np.ndarray:
    """Noise, and copies of it that differ by up to 60 grey levels: correlations of about 0.85 to 1."""
    random = np.random.default_rng(seed)
    chosen = noise(1 + n // 5, seed)[random.integers(1 + n // 5, size=n)].astype(int)
    amount = random.uniform(size=(n, 1, 1)) ** 2
    return np.clip(chosen + random.integers(-60, 61, chosen.shape) * amount, 0, 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few images already fill several blocks."""
    monkeypatch.setattr(neighbours, "_BLOCK", 7)


def test_correlation_is_numpys() -> None:
    first, second = family(20), family(20, seed=1)
    np.testing.assert_allclose(correlation(first, second), np.diag(every_correlation(first, second)), atol=1e-12)


def test_the_nearest_of_all() -> None:
    queries, references = family(31), np.concatenate([noise(5), family(26, seed=2)])
    queries[3] = references[17]
    index, value = nearest(queries, references)
    expected = every_correlation(queries, references)
    np.testing.assert_array_equal(index, expected.argmax(axis=1))
    np.testing.assert_allclose(value, expected.max(axis=1), atol=1e-6)
    assert (index.dtype, value.dtype) == (np.int64, np.float32)
    assert (index[3], value[3]) == (17, 1.0)


def test_brightness_and_contrast_hide_no_copy() -> None:
    references = noise(9) // 2
    index, value = nearest(references[::-1] + 40, references)
    np.testing.assert_array_equal(index, np.arange(9)[::-1])
    np.testing.assert_array_equal(value, np.ones(9, np.float32))


def test_of_equal_references_the_first() -> None:
    references = noise(4)[[0, 1, 2, 1, 2, 3, 1, 0, 0, 2]]
    index, _ = nearest(references, references)
    np.testing.assert_array_equal(index, [0, 1, 2, 1, 2, 5, 1, 0, 0, 2])


def test_a_constant_image_is_near_nothing() -> None:
    grey = np.full((2, 48, 48), 7, np.uint8)
    index, value = nearest(np.concatenate([grey, noise(1)]), np.concatenate([grey, noise(2)]))
    np.testing.assert_array_equal(value, np.array([0, 0, 1], np.float32))
    assert index[2] == 2
    assert not len(near_pairs(np.concatenate([grey, grey + 1]), 0.5))


@pytest.mark.parametrize("threshold", [0.9, 0.99, 0.995])
def test_near_pairs_are_all_pairs_above(threshold: float) -> None:
    images = family(40)
    found = every_correlation(images, images)
    expected = np.argwhere(np.triu(found > threshold, k=1))
    assert 0 < len(expected) < 40 * 39 / 2
    np.testing.assert_array_equal(near_pairs(images, threshold), expected)


def test_a_correlation_at_the_threshold_is_not_above_it() -> None:
    images = noise(1)[[0, 0]]
    images[1, 0] ^= 1
    value = float(correlation(images[:1], images[1:])[0])
    assert len(near_pairs(images, value)) == 0
    assert len(near_pairs(images, float(np.nextafter(value, 0)))) == 1


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 25), st.integers(0, 99), st.sampled_from([0.9, 0.99, 0.999]))
def test_groups_are_what_chains_connect(n: int, seed: int, threshold: float) -> None:
    images = family(n, seed)
    reach = (every_correlation(images, images) > threshold) | np.eye(n, dtype=bool) if n else np.empty((0, 0), bool)
    for middle in range(n):  # Warshall's transitive closure
        reach |= reach[:, [middle]] & reach[[middle]]
    groups = near_groups(images, threshold)
    np.testing.assert_array_equal(groups[:, None] == groups[None], reach)
    assert list(dict.fromkeys(groups)) == list(range(len(set(groups))))


def test_equal_pixels_are_one_group_constant_or_not() -> None:
    black = np.zeros((1, 48, 48), np.uint8)
    images = np.concatenate([black, noise(1), black, black + 3, noise(1)])
    np.testing.assert_array_equal(near_groups(images, 0.995), [0, 1, 0, 2, 1])


@given(st.lists(st.integers(0, 5), max_size=12))
def test_first_of_equals(chosen: list[int]) -> None:
    images = noise(6)[np.array(chosen, dtype=int)]
    first, group = first_of_equals(images)
    assert list(first) == sorted(chosen.index(c) for c in set(chosen))
    np.testing.assert_array_equal(images[first[group]], images)
