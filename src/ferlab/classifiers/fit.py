"""The training loop of convolutional networks."""

import time
from math import ceil, isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ferlab.classifiers.base import Fit, TrainingPlan
from ferlab.classifiers.inference import probabilities
from ferlab.classifiers.schedule import batches_per_epoch, learning_rate
from ferlab.classifiers.step import Step
from ferlab.classifiers.targets import Targets
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.params import NetworkClassifier
from ferlab.training.checkpoint import Checkpoints, save_state
from ferlab.training.graph import look_every, own_stream
from ferlab.training.observe import Observer
from ferlab.training.seeding import permutation

FILE = "network.safetensors"


class NetworkTraining:
    """Trains by SGD on the settings' loss, and leaves the selected epoch's weights in the model.

    Args:
        model: has its first weights. Its frozen parameters keep them.
        train, valid: as `check_sets` lets them pass.

    Raises:
        UserError: as `Targets`.
    """

    def __init__(
        self, model: nn.Module, settings: NetworkClassifier, train: ImageSet, valid: ImageSet, plan: TrainingPlan
    ) -> None:
        self.model, self.settings, self.plan = model, settings, plan
        images, self.targets = torch.from_numpy(np.array(train.images)), Targets(settings, train, plan.seed)
        self.update = Step(model, settings, images, self.targets.given, plan.seed, plan.device)
        self.images = len(images)
        self.valid_images, self.valid_labels = torch.from_numpy(np.array(valid.images)), valid.labels
        self.batches = batches_per_epoch(len(train), settings.batch_size)
        self.total = plan.steps or settings.epochs * self.batches
        self.step = 0
        self.history = list[dict[str, float]]()
        self.best: dict[str, Any] = {"accuracy": -1.0, "epoch": 0, "module": {}}

    def run(self, observe: Observer, checkpoints: Checkpoints, *, stop_at_drop: bool = False) -> Fit:
        """Train to the end, from the last checkpoint if there is one.

        After each epoch the validation split is scored and `observe` is called with the epoch's row; earlier rows are
        told again, because what was told before a kill may not have reached its store.

        Args:
            stop_at_drop: end after the first epoch whose validation accuracy is below the one before.

        Raises:
            UserError: a checkpoint of another training, or a loss that is no longer finite.
        """
        self._resume(checkpoints)
        for row in self.history:
            observe(int(row["epoch"]), row)
        with own_stream(self.plan.device):
            for epoch in range(len(self.history), ceil(self.total / self.batches)):
                if stop_at_drop and self._has_dropped():
                    break
                self._train_epoch(epoch, checkpoints)
                self._end_epoch(epoch, checkpoints)
                observe(epoch + 1, self.history[-1])
                checkpoints.offer(self._state)
            checkpoints.save(self._state())
            return self._select()

    def _train_epoch(self, epoch: int, checkpoints: Checkpoints) -> None:
        """Make an epoch's updates, or those left of it; the plan's steps may cut the last epoch short."""
        start, end = epoch * self.batches, min((epoch + 1) * self.batches, self.total)
        order = permutation(self.images, self.plan.seed, "order", epoch)
        self.update.begin_epoch(order, self.step - start, end - start, self.targets.of_epoch(epoch))
        self.model.train()
        started, first_step = time.monotonic(), self.step
        while self.step < end:
            self.update(self._rate(self.step))
            self.step += 1
            if self.step == end or self.step % look_every(self.plan.device) == 0:
                self._look(checkpoints)
            if self.step < end:
                checkpoints.offer(self._state)
        seen, seconds = min((end - first_step) * self.settings.batch_size, self.images), time.monotonic() - started
        self.plan.observe_pace(epoch + 1, {"images_per_second": seen / seconds})

    def _look(self, checkpoints: Checkpoints) -> float:
        """The losses of this epoch summed up, which must be finite."""
        loss_sum: float = self.update.loss_sum.item()
        _must_be_finite(loss_sum, self.step - 1, (self.step - 1) // self.batches, checkpoints)
        return loss_sum

    def _end_epoch(self, epoch: int, checkpoints: Checkpoints) -> None:
        """Score the validation split, write the epoch's row, and keep the weights if they are the best so far."""
        predicted = probabilities(self.model, self.valid_images, self.settings.input_size)
        accuracy, valid_loss = score(predicted, self.valid_labels)
        _must_be_finite(valid_loss, self.step - 1, epoch, checkpoints)
        row = {
            "epoch": epoch + 1,
            "step": self.step,
            "lr": self._rate(self.step - 1),
            "train_loss": self._look(checkpoints) / (self.step - epoch * self.batches),
            "valid_loss": valid_loss,
            "valid_accuracy": accuracy,
        }
        self.history.append(row)
        self.update.loss_sum.zero_()
        if accuracy > self.best["accuracy"]:
            weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
            self.best = {"accuracy": accuracy, "epoch": epoch + 1, "module": weights}
        if self.plan.every_epoch:
            save_weights(self.model, self.plan.every_epoch / f"{epoch + 1:04d}")

    def _select(self) -> Fit:
        if self.plan.select == "last":
            return Fit(self.history, len(self.history), self.history[-1]["valid_accuracy"])
        self.model.load_state_dict(self.best["module"])
        return Fit(self.history, self.best["epoch"], self.best["accuracy"])

    def _rate(self, step: int) -> float:
        return learning_rate(self.settings.schedule, self.settings.lr, step, self.total)

    def _has_dropped(self) -> bool:
        accuracies = [row["valid_accuracy"] for row in self.history[-2:]]
        return len(accuracies) == 2 and accuracies[1] < accuracies[0]

    def _state(self) -> dict[str, Any]:
        loss_sum = self.update.loss_sum.item()
        progress = {"step": self.step, "loss_sum": loss_sum, "history": self.history, "best": self.best}
        return self.update.state() | progress

    def _resume(self, checkpoints: Checkpoints) -> None:
        state = checkpoints.load()
        if state is not None:
            self.update.restore(state)
            self.update.loss_sum.fill_(state["loss_sum"])
            self.step, self.history, self.best = state["step"], state["history"], state["best"]


def save_weights(model: nn.Module, folder: Path) -> None:
    """Write a network's weights into a folder; equal weights are equal bytes."""
    save_state(model.state_dict(), folder / FILE)


def score(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Accuracy (0-1) and mean cross-entropy of probabilities (N, classes); one of 0 counts as the least above 0."""
    of_truth = probabilities[np.arange(len(labels)), labels]
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    return accuracy, float(-np.log(np.maximum(of_truth, np.finfo(float).tiny)).mean())


def _must_be_finite(loss: float, step: int, epoch: int, checkpoints: Checkpoints) -> None:
    if not isfinite(loss):
        raise UserError(
            f"the loss is no longer finite by step {step} (epoch {epoch + 1})",
            where=f"the last finite checkpoint is kept in {checkpoints.folder}",
            next_step="lower the learning rate",
        )
