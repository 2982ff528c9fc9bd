"""Tests and intervals of differences against R's, statsmodels' and what they promise."""

from math import isnan, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ferlab.errors import UserError
from ferlab.evaluation.comparison import Difference, align, at_least, at_most, effect, holm, mcnemar, paired
from ferlab.evaluation.predictions import Predictions


def run(correct: NDArray[np.bool_], prefix: str = "t") -> Predictions:
    """Predictions that are right just where `correct` says."""
    truth = np.arange(len(correct)) % 7
    probabilities = np.full((len(correct), 7), 0.05)
    probabilities[np.arange(len(correct)), np.where(correct, truth, (truth + 1) % 7)] = 0.7
    return Predictions(tuple(f"{prefix}{i}" for i in range(len(correct))), truth, probabilities, "run")


def with_flips(both: int, lost: int, won: int, neither: int) -> tuple[Predictions, Predictions]:
    first = np.array([True] * (both + lost) + [False] * (won + neither))
    second = np.array([True] * both + [False] * lost + [True] * won + [False] * neither)
    return run(first), run(second)


@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [
        (2, 10, 0.03857421875),  # R: binom.test(2, 12)$p.value
        (86, 150, 3.7158e-05),  # R: binom.test(86, 236)$p.value (Agresti's approval ratings, 150 against 86)
        (0, 5, 0.0625),  # R: mcnemar.exact(matrix(c(9, 0, 5, 9), 2))$p.value, package exact2x2
        (7, 7, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemars_exact_p(lost: int, won: int, p: float) -> None:
    found = mcnemar(*with_flips(40, lost, won, 30))
    assert (found.lost, found.won) == (lost, won)
    assert found.p == pytest.approx(p, rel=1e-4)


def test_mcnemar_seldom_cries_wolf() -> None:
    """Two models with the same chance of being right, over 2,000 pairs of runs: exact, so at most 5% and some slack."""
    rng = np.random.default_rng(0)
    n, times = 100, 2000
    lost = rng.multinomial(n, [0.5, 0.15, 0.15, 0.2], times)
    # mcnemar's exact test is a binomial one of the discordant pairs; each distinct table is looked at once
    known: dict[tuple[int, int], float] = {}
    for _, b, c, _ in lost:
        key = (int(b), int(c))
        if key not in known:
            known[key] = mcnemar(*with_flips(10, *key, 10)).p
            assert known[key] == pytest.approx(float(stats.binomtest(min(key), sum(key)).pvalue))
    false = float(np.mean([known[int(b), int(c)] < 0.05 for _, b, c, _ in lost]))
    assert 0.01 < false < 0.05 + 3 * sqrt(0.05 * 0.95 / times)


def test_paired_is_rs() -> None:
    """R: t.test(sleep$extra[11:20]) of Student's `sleep`: t = 3.6799, p = 0.005076, 95% 0.8976775 to 3.7623225."""
    found = paired(np.zeros(10).tolist(), [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    assert found.mean == pytest.approx(2.33)
    assert (found.low, found.high) == pytest.approx((0.8976775, 3.7623225), abs=1e-6)
    assert found.p == pytest.approx(0.00507613, abs=1e-7)
    assert effect(found)[0] == pytest.approx(3.679916 / sqrt(10), abs=1e-6)


def test_the_effects_interval_is_where_the_statistic_would_be_extreme() -> None:
    """Steiger & Fouladi 1997: noncentral t has its 97.5% quantile at t for the lower bound, its 2.5% for the upper."""
    found = paired([0.50, 0.51, 0.49, 0.52], [0.53, 0.52, 0.52, 0.54])
    d, low, high = effect(found)
    t, root = d * 2, 2
    assert stats.nct.cdf(t, 3, low * root) == pytest.approx(0.975, abs=1e-6)
    assert stats.nct.cdf(t, 3, high * root) == pytest.approx(0.025, abs=1e-6)
    assert low < d < high


def simulate(seeds: int, gain: float, times: int) -> list[Difference]:
    """Arms whose accuracy is a seed's luck, then 1,000 test images: what three trainings of a network look like."""
    rng = np.random.default_rng(seeds)
    plain = rng.binomial(1000, rng.normal(0.6, 0.01, (times, seeds))) / 1000
    other = rng.binomial(1000, rng.normal(0.6 + gain, 0.01, (times, seeds))) / 1000
    return [paired(a.tolist(), b.tolist()) for a, b in zip(plain, other, strict=True)]


@pytest.mark.parametrize("seeds", [3, 5])
def test_false_alarms_on_null_data_are_5_percent(seeds: int) -> None:
    times = 1000
    false = float(np.mean([d.p < 0.05 for d in simulate(seeds, 0.0, times)]))
    assert abs(false - 0.05) < 3.3 * sqrt(0.05 * 0.95 / times)


@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_cover_as_often_as_they_say(seeds: int) -> None:
    """A bootstrap over three seeds covers 85%; this must cover 93 to 97%."""
    found = simulate(seeds, 0.02, 1000)
    covered = float(np.mean([d.low <= 0.02 <= d.high for d in found]))
    assert 0.93 < covered < 0.97


def test_one_sided_tests_are_halves_of_the_two_sided_one() -> None:
    found = paired([0.50, 0.51, 0.49], [0.53, 0.52, 0.52])
    assert at_most(found, 0) == pytest.approx(found.p / 2)
    assert at_least(found, 0) == pytest.approx(1 - found.p / 2)
    assert at_least(found, found.high) == pytest.approx(0.025)
    assert at_most(found, found.low) == pytest.approx(0.025)


def test_what_does_not_vary_has_no_interval() -> None:
    for first, second in (([0.5], [0.6]), ([0.5, 0.6, 0.7], [0.6, 0.7, 0.8])):
        found = paired(first, second)
        assert found.mean == pytest.approx(0.1)
        assert not found.varies
        assert all(isnan(x) for x in (found.low, found.high, found.p, at_most(found, 0), at_least(found, 0)))


def test_holm_is_rs() -> None:
    """R: p.adjust(c(0.01, 0.04, 0.03, 0.005, 1), "holm") is 0.04 0.09 0.09 0.025 1."""
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005, 1]), [0.04, 0.09, 0.09, 0.025, 1.0])


@pytest.mark.parametrize("number", [1, 2, 5, 12])
def test_holm_is_statsmodels(number: int) -> None:
    p = np.random.default_rng(number).random(number).round(1)  # with ties
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])


def test_holm_keeps_the_whole_familys_false_alarms_below_5_percent() -> None:
    rng = np.random.default_rng(0)
    families = rng.random((1000, 7))
    alarms = [holm(p).min() < 0.05 for p in families]
    assert float(np.mean(alarms)) < 0.05 + 3 * sqrt(0.05 * 0.95 / 1000)
    assert float(np.mean(families.min(axis=1) < 0.05)) > 0.2  # what it guards against


def test_rows_are_paired_by_image_not_by_place() -> None:
    first, second = with_flips(10, 3, 5, 2)
    mixed = np.random.default_rng(0).permutation(20)
    shuffled = Predictions(tuple(second.ids[i] for i in mixed), second.truth[mixed], second.probabilities[mixed], "run")
    assert mcnemar(first, align(first, shuffled)) == mcnemar(first, second)
    assert mcnemar(first, shuffled) != mcnemar(first, second)


def test_runs_on_other_images_are_not_compared() -> None:
    first = run(np.ones(14, dtype=bool))
    with pytest.raises(UserError, match="28 stand in one alone, such as other0") as caught:
        align(first, run(np.ones(14, dtype=bool), "other"), ("a.parquet", "b.parquet"))
    assert caught.value.where == "b.parquet"
    other = Predictions(first.ids, (first.truth + (np.arange(14) == 5)) % 7, first.probabilities, "run")
    with pytest.raises(UserError, match="row 5: the true class of t5") as caught:
        align(first, other, ("a.parquet", "b.parquet"))
    assert caught.value.where == "b.parquet"
