"""Arms run in blocks: the spread that all of them share, and differences judged by it.

A block is one seed with its GAN draws. An accuracy is modelled as its arm's mean, plus its block's luck, plus what is
left: training's own luck, and in an arm with a GAN's images that of the GAN, which is new in each block. What is left
of all arms together tells its spread far better than one pair of arms does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ferlab.evaluation.comparison import Difference, difference_of, differences


@dataclass(frozen=True)
class Spread:
    """What is left of accuracies when the means of arms and of blocks are taken away.

    Attributes:
        sd: residual standard deviation of the additive two-way model, in the unit of what was given.
        arms, blocks: how many it was estimated from.
    """

    sd: float
    arms: int
    blocks: int

    @property
    def df(self) -> int:
        """Its degrees of freedom."""
        return (self.arms - 1) * (self.blocks - 1)


def spread(accuracies: ArrayLike) -> Spread:
    """The residual spread of a complete table, a row an arm and a column a block; at least two of each.

    It takes every arm's spread for equal. Two arms alone give the plain paired t.
    """
    table = np.asarray(accuracies, dtype=np.float64)
    arms, blocks = table.shape
    left = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + table.mean()
    return Spread(float(np.sqrt((left**2).sum() / ((arms - 1) * (blocks - 1)))), arms, blocks)


def equal_spreads(accuracies: ArrayLike) -> float | None:
    """Bartlett's p that all arms spread alike over seeds, a row an arm; None where an arm doesn't vary.

    It knows of no blocks, and three seeds tell little.
    """
    table = np.asarray(accuracies, dtype=np.float64)
    return float(stats.bartlett(*table).pvalue) if (table.std(axis=1) > 0).all() else None


def pooled(first: Sequence[float], second: Sequence[float], common: Spread) -> Difference:
    """The difference second minus first over blocks, its standard error from the spread that all arms share."""
    values = differences(first, second)
    return difference_of(values, common.sd * (2 / len(values)) ** 0.5, common.df)
