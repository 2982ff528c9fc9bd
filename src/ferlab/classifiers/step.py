"""One update of a network: input, augmentation, forward, backward, SGD."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ferlab.classifiers.augment import AMOUNTS, augment, draw_amounts
from ferlab.classifiers.dropout import draw_dropout_from
from ferlab.classifiers.inference import to_input
from ferlab.classifiers.losses import loss_of
from ferlab.classifiers.optimise import set_rate, sgd
from ferlab.classifiers.schedule import batches_per_epoch
from ferlab.errors import UserError
from ferlab.params import NetworkClassifier
from ferlab.training.checkpoint import restore
from ferlab.training.graph import Work, step_on
from ferlab.training.seeding import choose_kernels, random_generator


class Step:
    """Updates a network, batch by batch of an epoch. What one update leaves to the next is `state()`, whole.

    An epoch's order and augmentation are drawn ahead on the CPU, so that a seed means the same faces on every device,
    and lie where the updates read them: an update asks the host for nothing, and a GPU can replay it as a graph.

    Args:
        model: is moved to the device, and gets dropout of this training's own. Its frozen parameters keep their values.
        images: uint8 (N, side, side) or (N, side, side, 3).
        targets: int64 (N,), labels; or float32 (N, classes), shares that sum to 1.
        seed: decides augmentation and dropout.

    Attributes:
        loss_sum: float64 (), of the updates since it was last set; need not be finite.
    """

    def __init__(
        self, model: nn.Module, settings: NetworkClassifier, images: Tensor, targets: Tensor, seed: int, device: str
    ) -> None:
        self.model, self.settings, self.device = model.to(device), settings, device
        self.images, self.targets = images.to(device), targets.to(device)
        self.forward = _as_trained(model, settings, device)
        self.optimizer = sgd(model, settings)
        self.loss = loss_of(model, settings, len(images))
        self.augmentation = random_generator(seed, "augmentation")
        self.dropout = random_generator(seed, "dropout", device=device)
        draw_dropout_from(self.dropout, model)
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self._batches = batches_per_epoch(len(images), settings.batch_size)
        shape = self._batches, settings.batch_size
        self._order = torch.zeros(shape, dtype=torch.int64, device=device)
        self._amounts = torch.zeros(shape[0], AMOUNTS, shape[1], device=device)
        self._batch = torch.zeros(1, dtype=torch.int64, device=device)
        self._updates = dict[int, Work]()  # by number of images
        self._next = self._end = 0  # batches of the epoch whose numbers are drawn
        self._before = self.augmentation.get_state()  # these were

    def begin_epoch(self, order: Tensor, first: int, end: int, targets: Tensor | None = None) -> None:
        """Draw ahead what the updates of an epoch need.

        Args:
            order: int64 (N,), a permutation of the images.
            first, end: batches of the epoch to be made updates with; those before `first` were, by an earlier process.
            targets: from now on, where they aren't those of before.
        """
        self._before, self._next, self._end = self.augmentation.get_state(), first, end
        orders, amounts = torch.zeros(self._order.shape, dtype=torch.int64), torch.zeros(self._amounts.shape)
        for batch in range(end):
            n = self._size(batch)
            orders[batch, :n] = order[batch * self.settings.batch_size :][:n]
            amounts[batch, :, :n] = draw_amounts(n, self.augmentation)
        self._order.copy_(orders)
        self._amounts.copy_(amounts)
        if targets is not None:
            self.targets.copy_(targets)  # in place: a graph knows where they lie

    def __call__(self, rate: float) -> None:
        """Make the update of the epoch's next batch at a learning rate; its loss joins `loss_sum`."""
        n = self._size(self._next)
        if n not in self._updates:
            generators = [self.dropout] if self.device == "cuda" else []
            prepare = partial(choose_kernels, self.settings.deterministic)
            self._updates[n] = step_on(self.device, partial(self._update, n), self._held, generators, prepare)
        set_rate(self.optimizer, rate)
        self._batch.fill_(self._next)
        self._updates[n]()
        self._next += 1

    def _size(self, batch: int) -> int:
        """Images of a batch; the last of an epoch may have fewer."""
        return min(self.settings.batch_size, len(self.images) - batch * self.settings.batch_size)

    def _update(self, n: int) -> None:
        settings = self.settings
        chosen = self._order.index_select(0, self._batch)[0, :n]
        amounts = self._amounts.index_select(0, self._batch)[0, :, :n]
        faces = to_input(self.images[chosen], self.images.shape[1])
        batch = augment(faces, settings.augmentation, amounts, settings.input_size)
        logits = self.forward(batch.contiguous(memory_format=torch.channels_last))
        loss = self.loss(logits, self.targets[chosen])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.loss_sum += loss.detach()

    def _held(self) -> Iterator[Tensor]:
        yield from (*self.model.parameters(), *self.model.buffers(), self.loss_sum)
        for values in self.optimizer.state.values():
            yield from (value for value in values.values() if isinstance(value, Tensor))

    def state(self) -> dict[str, Any]:
        optimizer = self.optimizer.state_dict()
        for group in optimizer["param_groups"]:
            group["lr"] = float(group["lr"])
        return {
            "network": {"module": self.model.state_dict(), "optimizer": optimizer},
            # within an epoch that of its start, whose numbers are then drawn again
            "augmentation": self._before if self._next < self._end else self.augmentation.get_state(),
            "dropout": self.dropout.get_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state.

        Raises:
            UserError: it belongs to another network or kind of device; or a part of it is missing or unusable.
        """
        rates = [group["lr"] for group in self.optimizer.param_groups]
        try:
            restore(self.model, self.optimizer, state["network"])
            self.augmentation.set_state(state["augmentation"])
            self.dropout.set_state(state["dropout"])
        except (KeyError, TypeError, RuntimeError) as error:
            raise UserError(
                f"this checkpoint isn't one of this training: {error}", next_step="delete it to start afresh"
            ) from None
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            if isinstance(rate, Tensor):
                group["lr"] = rate.fill_(group["lr"])
        self._updates.clear()  # a graph knows the places of another state


def _as_trained(model: nn.Module, settings: NetworkClassifier, device: str) -> Callable[[Tensor], Tensor]:
    """The model as it is called in training: compiled and in mixed precision, if asked."""
    mode = settings.compile
    if device == "cuda" and mode == "reduce-overhead":
        mode = "default"  # the other one makes graphs, as is done here of whole steps
    call = model if mode == "none" else torch.compile(model, mode=mode)
    if not (settings.amp and device == "cuda"):
        return call

    def mixed(batch: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16):  # has float32's range: losses need no scaling
            logits: Tensor = call(batch)
        return logits.float()

    return mixed
