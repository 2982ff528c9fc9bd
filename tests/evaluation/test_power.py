"""Power against statsmodels, tables, and the rules themselves on simulated designs."""

import gc
import re
from collections.abc import Iterator
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from ferlab.evaluation.blocks import pooled, spread
from ferlab.evaluation.judgement import FAILS, HOLDS, MARGINS, directions, equivalences
from ferlab.evaluation.power import Design, blocks_needed, chances, pessimistic, smallest_gain
from small import REPOSITORY

DESIGN = Design(sd=0.0035, arms=5, blocks=8)
TIMES = 2000


@pytest.fixture
def _frozen() -> Iterator[None]:
    """statsmodels collects garbage in each correction: not that of the other tests."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("gain", [0.0, 0.002, 0.005, 0.01])
@pytest.mark.parametrize("claims", [1, 2])
def test_the_chance_to_hold_is_statsmodels(gain: float, claims: int) -> None:
    design = replace(DESIGN, claims=claims)
    effect = gain / (design.sd * sqrt(2))
    expected = TTestPower().power(effect, design.blocks, 0.025 / claims, df=28, alternative="larger")
    assert chances(design, gain).holds == pytest.approx(expected, abs=1e-6)


def test_of_two_arms_and_one_claim_the_blocks_needed_are_the_textbooks() -> None:
    """Cohen 1988, paired t, two-sided 5%, power 80%: d = 0.5 needs 34 pairs; statsmodels says 33.4, d = 0.8 14.3."""
    design = Design(sd=1 / sqrt(2), arms=2, blocks=2, claims=1)
    assert [blocks_needed(design, d) for d in (0.5, 0.8)] == [34, 15]
    assert TTestPower().solve_power(0.5, power=0.8, alpha=0.05) == pytest.approx(33.37, abs=0.01)
    assert blocks_needed(design, 0.01) is None


def test_the_smallest_gain_is_the_one_that_needs_these_blocks() -> None:
    gain = smallest_gain(DESIGN)
    assert chances(DESIGN, gain).holds == pytest.approx(0.8, abs=1e-4)
    assert blocks_needed(DESIGN, gain + 1e-6) == DESIGN.blocks
    assert smallest_gain(replace(DESIGN, sd=2 * DESIGN.sd)) == pytest.approx(2 * gain, rel=1e-4)


@pytest.mark.usefixtures("_frozen")
@pytest.mark.parametrize("gain", [0.0, 0.003, 0.007])
def test_chances_are_how_often_the_rules_say_each_word(gain: float) -> None:
    """Of one claim beside a lost one, by simulated blocks."""
    rng = np.random.default_rng(int(1e4 * gain))
    words, margins = [], []
    for _ in range(TIMES):
        table = 0.6 + 0.005 * rng.normal(size=8) + DESIGN.sd * rng.normal(size=(5, 8))
        table[1] += gain
        found = pooled(table[0].tolist(), table[1].tolist(), spread(table))
        words.append(directions([[found], None])[0].word)
        margins.append(equivalences([found, None])[0])
    told = chances(DESIGN, gain)
    shown = [one.margin for one in margins if one and one.margin]
    shares = [words.count(HOLDS), words.count(FAILS), words.count("not decided")]
    shares += [sum(one <= margin for one in shown) for margin in MARGINS]
    expected = [told.holds, told.fails, told.undecided, *told.nothing]
    for share, chance in zip(shares, expected, strict=True):
        assert abs(share / TIMES - chance) < 3.5 * sqrt(chance * (1 - chance) / TIMES) + 0.001


def test_a_pessimistic_spread_is_exceeded_in_a_fifth_of_estimates() -> None:
    """Browne 1995: an upper confidence limit of the standard deviation."""
    estimates = np.sqrt(np.random.default_rng(0).chisquare(4, TIMES) / 4)
    upper = np.array([pessimistic(float(sd), 4) for sd in estimates])
    assert abs(float(np.mean(upper < 1)) - 0.2) < 3 * sqrt(0.2 * 0.8 / TIMES)


def test_the_table_in_the_docs_is_this_one() -> None:
    text = (REPOSITORY / "docs" / "evidence.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (0\.\d\d) \| ([+]\d\.\d\d) \| (.*) \|$", text, flags=re.MULTILINE)
    assert len(rows) == 15
    for sd, gain, shares in rows:
        told = chances(replace(DESIGN, sd=float(sd) / 100), float(gain) / 100)
        expected = (told.holds, told.fails, told.undecided, *told.nothing)
        assert shares == " | ".join(f"{share:.0%}" for share in expected)
    smallest = [f"{100 * smallest_gain(replace(DESIGN, sd=sd)):.2f}" for sd in (0.002, 0.0035, 0.005)]
    assert "{} points with *s* = 0.20, {} with 0.35 and {} with 0.50".format(*smallest) in text
