"""Stratified parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlab.data.fer2013 import PUBLISHED
from ferlab.data.splits import stratified_part

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(7), PUBLISHED["valid"]))


@given(st.floats(0.05, 0.95), st.integers(0, 100))
def test_each_class_keeps_its_share(fraction: float, seed: int) -> None:
    part = stratified_part(LABELS, fraction, seed)
    assert np.all(np.diff(part) > 0)
    assert abs(len(part) - fraction * len(LABELS)) <= 1
    for label, n in enumerate(PUBLISHED["valid"]):
        assert abs((LABELS[part] == label).sum() - fraction * n) <= 1


def test_one_chooses_all() -> None:
    np.testing.assert_array_equal(stratified_part(LABELS, 1.0, 5), np.arange(3589))


@pytest.mark.parametrize("fraction", [0.25, 0.1])
def test_the_seed_decides(fraction: float) -> None:
    first = stratified_part(LABELS, fraction, 0)
    np.testing.assert_array_equal(first, stratified_part(LABELS, fraction, 0))
    assert not np.array_equal(first, stratified_part(LABELS, fraction, 1))
