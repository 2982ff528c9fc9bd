"""One update of a network: augmentation, forward, backward, SGD."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferlab.classifiers.augment import augment
from ferlab.classifiers.dropout import draw_dropout_from
from ferlab.classifiers.inference import to_input
from ferlab.classifiers.optimise import set_rate, sgd
from ferlab.errors import UserError
from ferlab.params import NetworkClassifier
from ferlab.training.checkpoint import restore
from ferlab.training.seeding import random_generator


class Step:
    """Updates a network, batch by batch. What one update leaves to the next is `state()`, whole.

    Args:
        model: is moved to the device, and gets dropout of this training's own. Its frozen parameters keep their values.
        seed: decides augmentation and dropout.
    """

    def __init__(self, model: nn.Module, settings: NetworkClassifier, seed: int, device: str) -> None:
        self.model, self.settings = model.to(device), settings
        self.forward = _as_trained(model, settings, device)
        self.optimizer = sgd(model, settings)
        self.augmentation = random_generator(seed, "augmentation")
        self.dropout = random_generator(seed, "dropout", device=device)
        draw_dropout_from(self.dropout, model)

    def __call__(self, images: Tensor, labels: Tensor, rate: float) -> float:
        """Make one update and return its loss, which need not be finite.

        Args:
            images: uint8 (N, 48, 48), on the device.
            labels: int64 (N,), likewise.
            rate: the learning rate.
        """
        settings = self.settings
        set_rate(self.optimizer, rate)
        faces = to_input(images, images.shape[-1])
        batch = augment(faces, settings.augmentation, self.augmentation, settings.input_size)
        logits = self.forward(batch.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.item()

    def state(self) -> dict[str, Any]:
        return {
            "network": {"module": self.model.state_dict(), "optimizer": self.optimizer.state_dict()},
            "augmentation": self.augmentation.get_state(),
            "dropout": self.dropout.get_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state.

        Raises:
            UserError: it belongs to another network or kind of device; or a part of it is missing or unusable.
        """
        try:
            restore(self.model, self.optimizer, state["network"])
            self.augmentation.set_state(state["augmentation"])
            self.dropout.set_state(state["dropout"])
        except (KeyError, TypeError, RuntimeError) as error:
            raise UserError(
                f"this checkpoint isn't one of this training: {error}", next_step="delete it to start afresh"
            ) from None


def _as_trained(model: nn.Module, settings: NetworkClassifier, device: str) -> Callable[[Tensor], Tensor]:
    """The model as it is called in training: compiled, in mixed precision, and with fast kernels on a GPU, if asked."""
    if device == "cuda":
        torch.use_deterministic_algorithms(settings.deterministic, warn_only=True)
        torch.backends.cudnn.benchmark = not settings.deterministic  # it times kernels, and may choose another each run
    call = model if settings.compile == "none" else torch.compile(model, mode=settings.compile)
    if not (settings.amp and device == "cuda"):
        return call

    def mixed(batch: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16):  # has float32's range: losses need no scaling
            logits: Tensor = call(batch)
        return logits.float()

    return mixed
