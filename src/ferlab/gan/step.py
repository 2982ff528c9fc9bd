"""One step of a GAN's training: an update of the discriminator and, after every few, one of the generator."""

from collections.abc import Iterator, Mapping
from functools import partial
from math import ceil
from typing import Any

import torch
from torch import Tensor

from ferlab.gan.pair import AdversarialPair, Noise
from ferlab.training.graph import Work, step_on
from ferlab.training.seeding import choose_kernels

Sums = dict[str, list[float]]
"""Name of a signal to its total and the number of steps that it is of."""


class Step:
    """Makes the steps of an epoch, batch by batch, and sums up their signals.

    An epoch's order and noise are drawn ahead on the CPU and lie where the steps read them: a step asks the host for
    nothing, and a GPU can replay it as a graph.

    Args:
        images: float32 (N, channels, side, side) in [-1, 1].
        labels: int64 (N,).
    """

    def __init__(self, pair: AdversarialPair, images: Tensor, labels: Tensor) -> None:
        self.pair, self.settings, device = pair, pair.settings, pair.device
        self.images, self.labels = images.to(device), labels.to(device)
        self.batches = ceil(len(images) / self.settings.batch_size)
        places = self.batches, self.settings.batch_size
        self._order = torch.zeros(places, dtype=torch.int64, device=device)
        self._z = torch.zeros(*places, self.settings.latent, 1, 1, device=device)
        self._anew = torch.zeros_like(self._z)
        self._alpha = torch.zeros(*places, 1, 1, 1, device=device)
        self._batch = torch.zeros(1, dtype=torch.int64, device=device)
        self._steps = dict[tuple[int, bool], Work]()  # by number of images, and whether the generator has its turn
        self._totals = {
            name: torch.zeros((), dtype=torch.float64, device=device) for name in pair.signals(generator_too=True)
        }
        self._numbers = dict.fromkeys(self._totals, 0)
        self._next = self.batches
        self._before = pair.noise.get_state()

    def begin_epoch(self, order: Tensor, step: int) -> None:
        """Draw ahead what the steps of an epoch need.

        Args:
            order: int64 (N,), a permutation of the images.
            step: the next one since the training's first; those of the epoch before it were made by another process.
        """
        self._before, self._next = self.pair.noise.get_state(), step % self.batches
        first = step - self._next
        places = self._order, self._z, self._alpha, self._anew
        drawn = [torch.zeros(place.shape, dtype=place.dtype) for place in places]
        for batch in range(self.batches):
            n = self._size(batch)
            noise = self.pair.draw(n, generator_too=self._is_generators_turn(first + batch))
            chosen = order[batch * self.settings.batch_size :][:n]
            for numbers, of_batch in zip(drawn, (chosen, noise.z, noise.alpha, noise.anew), strict=True):
                if of_batch is not None:
                    numbers[batch, :n] = of_batch
        for place, numbers in zip(places, drawn, strict=True):
            place.copy_(numbers)

    def __call__(self, step: int) -> None:
        """Make the epoch's next step, the training's `step`th from 0."""
        n, turn = self._size(self._next), self._is_generators_turn(step)
        if (n, turn) not in self._steps:
            prepare = partial(choose_kernels, deterministic=True)
            self._steps[n, turn] = step_on(self.pair.device, partial(self._make, n, turn), self._held, (), prepare)
        self._batch.fill_(self._next)
        self._steps[n, turn]()
        for name in self.pair.signals(generator_too=turn):
            self._numbers[name] += 1
        self._next += 1

    def _size(self, batch: int) -> int:
        """Images of a batch; the last of an epoch may have fewer."""
        return min(self.settings.batch_size, len(self.images) - batch * self.settings.batch_size)

    def _is_generators_turn(self, step: int) -> bool:
        return (step + 1) % self.settings.critic_steps == 0

    def _make(self, n: int, generators_turn: bool) -> None:
        def of_batch(place: Tensor) -> Tensor:
            return place.index_select(0, self._batch)[0, :n]

        chosen = of_batch(self._order)
        labels = self.labels[chosen]
        anew = generators_turn and self.settings.critic_steps > 1
        noise = Noise(
            of_batch(self._z),
            of_batch(self._alpha) if self.settings.penalty else None,
            of_batch(self._anew) if anew else None,
        )
        measured, generated = self.pair.update_discriminator(self.images[chosen], labels, noise)
        if generators_turn:
            measured |= self.pair.update_generator(labels, generated, noise)
        for name, value in measured.items():
            self._totals[name] += value

    def _held(self) -> Iterator[Tensor]:
        yield from self.pair.held()
        yield from self._totals.values()

    def sums(self) -> Sums:
        """Signals since the sums were last set, which need not be finite; those without a value are left out."""
        totals = torch.stack(list(self._totals.values())).tolist()
        found = zip(self._totals, totals, self._numbers.values(), strict=True)
        return {name: [total, number] for name, total, number in found if number}

    def set_sums(self, sums: Mapping[str, Any]) -> None:
        """Go on from sums of earlier steps; from nothing if there are none."""
        for name, place in self._totals.items():
            total, self._numbers[name] = sums.get(name, (0.0, 0))
            place.fill_(total)

    def state(self) -> dict[str, Any]:
        """Of the pair; within an epoch its noise is that of the epoch's start, which is then drawn again."""
        return self.pair.state() | ({"noise": self._before} if self._next < self.batches else {})
