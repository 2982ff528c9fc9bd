"""Three questions to a family of claims, on differences whose answers follow by hand."""

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from ferlab.evaluation.comparison import Difference, outside, paired
from ferlab.evaluation.judgement import FAILS, HOLDS, OPEN, directions, equivalences, sizes


def gain(mean: float, error: float, df: int = 28) -> Difference:
    return Difference((mean,) * 8, mean, error, df)


SURE, UNSURE = 0.001, 0.02


@pytest.mark.parametrize(
    ("mean", "error", "word"),
    [
        (0.02, SURE, HOLDS),
        (0.004, SURE, HOLDS),  # also where it isn't worth speaking of
        (0.0, SURE, FAILS),
        (-0.02, SURE, FAILS),
        (0.02, UNSURE, OPEN),
        (0.0, UNSURE, OPEN),
    ],
)
def test_direction(mean: float, error: float, word: str) -> None:
    assert directions([[gain(mean, error)]])[0].word == word


def test_a_claim_of_several_pairs_needs_each_of_them() -> None:
    up, down, unsure = gain(0.02, SURE), gain(-0.02, SURE), gain(0.02, UNSURE)
    assert [one.word for one in directions([[up, up]])] == [HOLDS]
    assert [one.word for one in directions([[up, down]])] == [FAILS]
    assert [one.word for one in directions([[up, unsure]])] == [OPEN]


def test_a_claim_that_was_not_run_stays_in_the_family() -> None:
    """A lone p of 0.03 isn't enough beside a second claim of which nothing is known, and is beside a sure one."""
    found = gain(0.01, 0.0044)  # t = 2.27
    assert found.p == pytest.approx(0.031, abs=0.001)
    alone, beside_none, beside_sure = (
        directions(family)[0] for family in ([[found]], [[found], None], [[found], [gain(0.02, SURE)]])
    )
    assert (alone.word, beside_none.word, beside_sure.word) == (HOLDS, OPEN, HOLDS)
    assert beside_none.holds == pytest.approx(2 * found.p)
    assert directions([[found], None])[1].word == OPEN


def test_a_printed_size_is_ruled_out_by_what_lies_between() -> None:
    ours = gain(0.0086, 0.003)
    printed, absent = sizes([(ours, 0.0747), None])
    assert absent is None
    assert printed
    assert printed.ruled_out
    assert printed.apart == pytest.approx(0.0747 - ours.high)
    (within,) = sizes([(ours, 0.01)])
    assert within
    assert (within.ruled_out, within.apart) == (False, 0)
    (below,) = sizes([(ours, -0.01)])
    assert below
    assert below.apart == pytest.approx(ours.low + 0.01)


@pytest.mark.parametrize(
    ("mean", "error", "margin"),
    [(0.0, SURE, 0.005), (0.004, SURE, 0.01), (0.008, SURE, 0.01), (0.0095, SURE, None), (0.0, 0.01, None)],
)
def test_the_narrowest_margin_that_was_shown(mean: float, error: float, margin: float | None) -> None:
    for sign in (1, -1):
        (found,) = equivalences([gain(sign * mean, error)])
        assert found
        assert found.margin == margin


def test_two_one_sided_tests_are_statsmodels() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(0.6, 0.005, 8)
    second = first + rng.normal(0.002, 0.004, 8)
    p, *_ = ttost_paired(second, first, -0.005, 0.005)
    assert outside(paired(first.tolist(), second.tolist()), 0.005) == pytest.approx(p)
