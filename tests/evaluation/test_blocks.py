"""The shared spread against statsmodels' two-way model, and what simulated designs make of the rules.

In the simulations an accuracy is its arm's mean, its seed's luck, its GAN's luck (new in each block, shared by the two
arms that get the same GAN's images) and training's own luck, as in the deciding design: five arms, eight blocks.
"""

import gc
from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from statsmodels.formula.api import ols

from ferlab.evaluation.blocks import pooled, spread
from ferlab.evaluation.comparison import Difference, paired
from ferlab.evaluation.judgement import ALPHA, FAILS, HOLDS, MARGINS, WORTH, directions, equivalences, sizes

TIMES = 2000
PLAIN, REPEATED, DCGAN, WGAN_GP, SHUFFLED = range(5)
SEED, DRAW, TRAINING = 0.005, 0.003, 0.0035  # standard deviations; those of seed and training are as measured

Block = NDArray[np.float64]


def slack(share: float, times: int = TIMES) -> float:
    """Three standard errors of a share that is found by simulation."""
    return 3 * sqrt(share * (1 - share) / times)


def designs(gain: float, *, draw: float = DRAW, one_gan: bool = False, blocks: int = 8) -> Iterator[Block]:
    """Tables of accuracy, (5 arms, `blocks`), in which both GANs' images gain `gain` over all other arms.

    Args:
        one_gan: one draw stands behind all blocks, instead of one a block.
    """
    rng = np.random.default_rng(int(1e6 * (gain + draw)) + blocks + one_gan)
    for _ in range(TIMES):
        draws = draw * rng.normal(size=(2, 1 if one_gan else blocks))
        table = 0.6 + SEED * rng.normal(size=blocks) + TRAINING * rng.normal(size=(5, blocks))
        table[[DCGAN, SHUFFLED]] += draws[0]
        table[WGAN_GP] += draws[1]
        table[[DCGAN, WGAN_GP]] += gain
        yield table


def gains(table: Block, against: int = REPEATED) -> list[Difference]:
    """Of both GANs' images, by the spread of all five arms."""
    common = spread(table)
    return [pooled(table[against].tolist(), table[arm].tolist(), common) for arm in (DCGAN, WGAN_GP)]


def coverage(found: Sequence[Difference]) -> float:
    return float(np.mean([one.low <= 0.01 <= one.high for one in found]))


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[None]:
    """statsmodels collects garbage in each correction: not that of the other tests."""
    gc.freeze()
    yield
    gc.unfreeze()


def test_the_spread_and_its_differences_are_statsmodels() -> None:
    table = next(designs(0.01))
    common = spread(table)
    rows = [(f"arm{a}", f"block{b}", table[a, b]) for a in range(5) for b in range(8)]
    model = ols("y ~ C(arm, Treatment('arm1')) + C(block)", pd.DataFrame(rows, columns=["arm", "block", "y"])).fit()
    assert common.sd**2 == pytest.approx(model.mse_resid)
    assert common.df == model.df_resid == 28
    found, term = gains(table)[0], "C(arm, Treatment('arm1'))[T.arm2]"
    assert found.mean == pytest.approx(model.params[term])
    assert found.error == pytest.approx(model.bse[term])
    assert [found.low, found.high] == pytest.approx(model.conf_int().loc[term].tolist())
    assert found.p == pytest.approx(model.pvalues[term])


def test_of_two_arms_it_is_the_paired_t() -> None:
    first, second = [0.50, 0.51, 0.49, 0.52], [0.53, 0.52, 0.52, 0.54]
    found, plain = pooled(first, second, spread([first, second])), paired(first, second)
    assert (found.mean, found.error, found.df) == pytest.approx((plain.mean, plain.error, plain.df))


def test_arms_that_agree_by_chance_do_not_make_an_interval_narrow() -> None:
    """Of one pair the spread may be luck; of all arms it isn't."""
    table = np.array([[0.50, 0.52, 0.49], [0.51, 0.53, 0.50001], [0.52, 0.50, 0.515], [0.49, 0.52, 0.50]])
    first, second = table[:2].tolist()
    plain, common = paired(first, second), pooled(first, second, spread(table))
    assert plain.high - plain.low < 0.0001
    assert common.high - common.low > 0.02


@pytest.mark.parametrize("blocks", [3, 8])
@pytest.mark.parametrize("draw", [0.0, DRAW, 2 * DRAW])
@pytest.mark.parametrize("against", [PLAIN, REPEATED])
def test_intervals_cover_the_recipes_gain(blocks: int, draw: float, against: int) -> None:
    """Whatever the GANs' luck adds, and against either of the arms without images."""
    found = [one for table in designs(0.01, draw=draw, blocks=blocks) for one in gains(table, against)]
    assert abs(coverage(found) - 0.95) < slack(0.05) + 0.01  # arms with a GAN spread more than those without


@pytest.mark.parametrize("blocks", [3, 8])
def test_where_one_familys_gans_differ_far_more_than_the_others_the_plain_t_keeps_its_promise(blocks: int) -> None:
    """What pooling costs at worst (docs/evidence.md says so): the steady family lends its spread to the other."""
    common, plain = [], []
    for table in designs(0.01, draw=0, blocks=blocks):
        table[[DCGAN, SHUFFLED]] += 2 * DRAW * np.random.default_rng(int(1e9 * table[0, 0])).normal(size=blocks)
        common.append(gains(table)[0])
        plain.append(paired(table[REPEATED].tolist(), table[DCGAN].tolist()))
    assert 0.87 < coverage(common) < 0.93
    assert abs(coverage(plain) - 0.95) < slack(0.05)


def test_one_gan_behind_all_seeds_is_not_covered() -> None:
    """Why a draw belongs to a block: other seeds don't say what another GAN would give."""
    found = [one for table in designs(0.01, one_gan=True) for one in gains(table)]
    assert coverage(found) < 0.75


def test_no_gain_seldom_holds() -> None:
    """Either claim of the family: two-sided at 5%, and only one side is the word."""
    words = [[one.word for one in directions([[gain] for gain in gains(table)])] for table in designs(0.0)]
    false = float(np.mean([HOLDS in both for both in words]))
    assert 0.01 < false < ALPHA / 2 + slack(ALPHA / 2)


def test_a_gain_worth_speaking_of_seldom_fails() -> None:
    words = [[one.word for one in directions([[gain] for gain in gains(table)])] for table in designs(WORTH)]
    false = float(np.mean([FAILS in both for both in words]))
    assert 0 < false < ALPHA / 2 + slack(ALPHA / 2)


def test_the_true_size_is_seldom_ruled_out() -> None:
    found = [sizes([(gain, 0.02) for gain in gains(table, PLAIN)]) for table in designs(0.02)]
    false = float(np.mean([any(one is not None and one.ruled_out for one in both) for both in found]))
    assert 0.02 < false < ALPHA + slack(ALPHA)


@pytest.mark.parametrize("margin", MARGINS)
def test_a_gain_as_large_as_the_margin_is_seldom_practically_nothing(margin: float) -> None:
    found = [equivalences(gains(table)) for table in designs(margin)]
    false = float(np.mean([any(one is not None and one.margin is not None and one.margin <= margin for one in both)
                           for both in found]))  # fmt: skip
    assert 0.02 < false < ALPHA + slack(ALPHA)


def test_two_gaps_at_most_one_of_which_is_real() -> None:
    """A true gain of one claim doesn't make the other's false word likelier than alone."""
    false = []
    for table in designs(0.0):
        table[DCGAN] += 0.02
        false.append(directions([[gain] for gain in gains(table)])[1].word == HOLDS)
    assert float(np.mean(false)) < ALPHA / 2 + slack(ALPHA / 2)
