"""The one training loop of all GAN families."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ferlab.errors import UserError
from ferlab.gan.families import Family
from ferlab.gan.networks import DOUBLINGS, to_network
from ferlab.gan.pair import AdversarialPair
from ferlab.gan.step import Step, Sums
from ferlab.params import GanFamily
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.graph import look_every, own_stream
from ferlab.training.observe import Observer
from ferlab.training.seeding import permutation, random_generator

LEAST = 2  # images a label: one face can't show how faces differ
GRID_COLUMNS = 8  # images a label in a sample grid

GridObserver = Callable[[int, NDArray[np.uint8]], None]
"""Called with an epoch and uint8 (n_labels, 8, side, side[, 3]): what the generator makes of always the same noise."""


@dataclass(frozen=True)
class TrainedGan:
    """A trained generator (in evaluation mode, on the CPU) and one row of mean signals an epoch."""

    generator: nn.Module
    history: list[dict[str, float]]


def fit(
    family: Family,
    settings: GanFamily,
    images: Tensor,
    labels: Tensor,
    *,
    classes: Sequence[str],
    seed: int,
    device: str,
    observe: Observer,
    checkpoints: Checkpoints,
    observe_grid: GridObserver | None = None,
    grid_every: int = 1,
) -> TrainedGan:
    """Train one GAN.

    An epoch is one pass of the discriminator over the images; the generator is updated after every `critic_steps`
    batches, and an epoch without such an update has no signals of the generator. The last batch of an epoch may be
    smaller; with fewer images than a batch holds, all of them are the batch.

    Calls `observe(epoch, signals)` once an epoch (see `AdversarialPair` for what the signals are) and `observe_grid`
    every `grid_every` epochs and at the end; what they do can't change the result.

    Args:
        images: uint8 (N, side, side), or (N, side, side, 3) in RGB, 0-255.
        labels: int64 (N,), indices into `classes`.
        classes: what the labels mean; a conditional family is told them, any other should have one.
        seed: decides first weights, order and noise.

    Raises:
        UserError: a class with fewer than two images; a side that the networks can't make; a checkpoint of another GAN;
            or a signal that is no longer finite (the last finite checkpoint is kept).
    """
    _must_be_enough(labels, classes)
    side = images.shape[1]
    _must_double(side)
    inputs = to_network(images)
    pair = AdversarialPair(family, settings, len(classes), seed, device, side, inputs.shape[1])
    update = Step(pair, inputs, labels)
    step = 0
    history = list[dict[str, float]]()

    def look() -> Sums:
        sums = update.sums()
        _must_be_finite(sums, step - 1, (step - 1) // update.batches, checkpoints)
        return sums

    def snapshot() -> Mapping[str, Any]:
        return {**update.state(), "step": step, "sums": update.sums(), "history": history}

    state = checkpoints.load()
    if state is not None:
        pair.restore(state)
        update.set_sums(state["sums"])
        step, history = state["step"], state["history"]
    for row in history:
        observe(int(row["epoch"]), row)

    with own_stream(device):
        for epoch in range(step // update.batches, settings.epochs):
            update.begin_epoch(permutation(len(images), seed, "order", epoch), step)
            for _ in range(step % update.batches, update.batches):
                update(step)
                step += 1
                if step % look_every(device) == 0:
                    look()
                if step % update.batches == 0:
                    means = {name: total / n for name, (total, n) in sorted(look().items())}
                    history.append({"epoch": epoch + 1, **means})
                    update.set_sums({})
                    observe(epoch + 1, history[-1])
                    if observe_grid and ((epoch + 1) % grid_every == 0 or epoch + 1 == settings.epochs):
                        observe_grid(epoch + 1, sample_grid(pair, len(classes), seed))
                checkpoints.offer(snapshot)
        checkpoints.save(snapshot())
        return TrainedGan(pair.generator.eval().cpu(), history)


def sample_grid(pair: AdversarialPair, n_labels: int, seed: int) -> NDArray[np.uint8]:
    """What a generator makes of always the same noise: uint8 (n_labels, 8, side, side[, 3]), a row a label."""
    number = n_labels * GRID_COLUMNS
    z = torch.randn(number, pair.settings.latent, 1, 1, generator=random_generator(seed, "grid"))
    labels = torch.arange(n_labels).repeat_interleave(GRID_COLUMNS)
    images = pair.sample(z, labels)
    return images.reshape(n_labels, GRID_COLUMNS, *images.shape[1:])


def _must_be_enough(labels: Tensor, classes: Sequence[str]) -> None:
    for name, n in zip(classes, torch.bincount(labels, minlength=len(classes)).tolist(), strict=True):
        if n < LEAST:
            raise UserError(
                f"'{name}' has {'one image' if n else 'no images'}; a GAN needs at least {LEAST} of each class",
                next_step="`ferlab data audit` shows the classes' sizes",
            )


def _must_double(side: int) -> None:
    if side % DOUBLINGS or side < 2 * DOUBLINGS:
        raise UserError(
            f"GANs can't make images of {side}x{side} pixels: their networks double the side four times",
            where="params.yaml: data.side",
            next_step=f"choose a multiple of {DOUBLINGS}, {2 * DOUBLINGS} or more; or train no GANs (run.families: [])",
        )


def _must_be_finite(sums: Sums, step: int, epoch: int, checkpoints: Checkpoints) -> None:
    bad = [name for name, (total, _) in sums.items() if not isfinite(total)]
    if bad:
        raise UserError(
            f"{' and '.join(bad)} no longer finite by step {step} (epoch {epoch + 1})",
            where=f"the last finite checkpoint is kept in {checkpoints.folder}",
            next_step="lower the family's learning rate (gan.families.<family>.lr)",
        )
