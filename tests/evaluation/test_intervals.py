"""Intervals against closed forms and against what they promise."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ferlab.evaluation.intervals import over_seeds, wilson

Z = 1.959963984540054  # R: qnorm(0.975)


@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilson_is_the_closed_form(n: int, share: float) -> None:
    """Wilson 1927: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    correct = round(n * share)
    p = correct / n
    middle, half = p + Z**2 / (2 * n), Z * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    found = wilson(correct, n)
    assert found.value == p
    assert found.low == pytest.approx((middle - half) / (1 + Z**2 / n), abs=1e-12)
    assert found.high == pytest.approx((middle + half) / (1 + Z**2 / n), abs=1e-12)
    assert str(n) in found.method


def test_wilson_known_example() -> None:
    """81 of 263 (Newcombe 1998, table I, method 3): 0.2553 to 0.3662."""
    found = wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_wilson_covers_as_often_as_it_says() -> None:
    n, p = 200, 0.64
    weights = stats.binom.pmf(np.arange(n + 1), n, p)
    covered = [wilson(k, n).low <= p <= wilson(k, n).high for k in range(n + 1)]
    assert float(weights @ covered) == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize("accuracies", [[0.61, 0.64], [0.61, 0.64, 0.625], [0.2, 0.21, 0.2, 0.23, 0.19]])
def test_t_interval_is_scipys(accuracies: list[float]) -> None:
    expected = stats.ttest_1samp(accuracies, 0).confidence_interval(0.95)
    found = over_seeds(accuracies)
    assert found.value == pytest.approx(np.mean(accuracies), abs=1e-15)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert f"{len(accuracies)} seeds" in found.method


def test_t_interval_by_hand() -> None:
    """1, 2, 3 tenths: mean 0.2, standard error 0.1/sqrt(3), t of 2 degrees 4.302653 (R: qt(0.975, 2))."""
    found = over_seeds([0.1, 0.2, 0.3])
    assert found.high == pytest.approx(0.2 + 4.302653 * 0.1 / sqrt(3), abs=1e-6)
    assert found.low == 0.0  # cut off at what an accuracy can be


def test_an_accuracy_stays_within_0_and_1() -> None:
    found = over_seeds([0.9, 1.0])
    assert found.high == 1.0
    same = over_seeds([0.5, 0.5, 0.5])
    assert (same.low, same.value, same.high) == (0.5, 0.5, 0.5)
