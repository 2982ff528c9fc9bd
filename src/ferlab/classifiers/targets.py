"""What a network is told of each training image: its label, the shares of votes, or a label drawn from these.

Barsoum et al. 2016 (arXiv 1608.01041) call them majority voting, cross-entropy loss and probabilistic label drawing.
"""

import numpy as np
import torch
from torch import Tensor

from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.params import NetworkClassifier
from ferlab.training.seeding import random_generator

MAJORITY, VOTES, DRAWN = "majority", "votes", "drawn"


class Targets:
    """The targets of a training.

    Attributes:
        given: int64 (N,), labels; or float32 (N, classes), shares that sum to 1. What every epoch is told for which
            `of_epoch` has nothing else.

    Raises:
        UserError: the settings want votes, and there are none.
    """

    def __init__(self, settings: NetworkClassifier, train: ImageSet, seed: int) -> None:
        self._seed, self._shares, self.given = seed, None, torch.from_numpy(train.labels)
        if settings.targets == MAJORITY:
            return
        if train.votes is None:
            raise UserError(
                f"the images of {', '.join(sorted(set(train.origins)))} have no votes to learn from",
                where=f"params.yaml: the classifier's `targets` ({settings.targets})",
                next_step=f"set it to {MAJORITY}, or train on a data set with votes (FER+: docs/guide/data_sets.md)",
            )
        shares = torch.from_numpy(np.array(train.votes))
        if settings.targets == VOTES:
            self.given = shares
        else:
            self._shares, self.given = shares, self.given.clone()  # it is written to

    def of_epoch(self, epoch: int) -> Tensor | None:
        """int64 (N,), labels drawn for an epoch (from 0), by seed and epoch alone; None where targets stay."""
        return None if self._shares is None else draw(self._shares, random_generator(self._seed, "targets", epoch))


def draw(shares: Tensor, rng: torch.Generator) -> Tensor:
    """int64 (N,): a class for each row of shares, float32 (N, classes), each as probable as its share."""
    below = shares.double().cumsum(dim=1)
    lots = torch.rand(len(shares), 1, generator=rng, dtype=torch.float64) * below[:, -1:]
    return (below <= lots).sum(dim=1)
