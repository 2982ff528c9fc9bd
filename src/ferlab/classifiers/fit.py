"""The training loop of convolutional networks."""

import time
from collections.abc import Callable, Mapping
from math import ceil, isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferlab.classifiers.augment import augment
from ferlab.classifiers.base import Fit, Plan, check_sets
from ferlab.classifiers.networks import probabilities, to_input
from ferlab.classifiers.optimise import set_rate, sgd
from ferlab.classifiers.schedule import batches_per_epoch, learning_rate
from ferlab.classifiers.weights import first_weights
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.params import NetworkClassifier
from ferlab.training.checkpoint import Checkpoints, restore, save_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive, generator, permutation, seeded

FILE = "network.safetensors"


def train_network(
    model: nn.Module,
    settings: NetworkClassifier,
    train: ImageSet,
    valid: ImageSet,
    plan: Plan,
    observe: Observer,
    checkpoints: Checkpoints,
    *,
    make: Callable[[NetworkClassifier, int], nn.Module] = first_weights,
    stop_at_drop: bool = False,
) -> Fit:
    """Train by SGD on cross-entropy and leave the best epoch's weights in `model`.

    After each epoch the validation split is scored and `observe` is called with the epoch's row.

    Args:
        model: gets fresh weights from the plan's seed first. Its frozen parameters keep them.
        make: the network that these weights are of.
        stop_at_drop: end after the first epoch whose validation accuracy is below the one before.

    Raises:
        UserError: an empty set, a class without training images, or a loss that is no longer finite.
    """
    check_sets(train, valid)
    with seeded(derive(plan.seed, "weights")):
        model.load_state_dict(make(settings, len(train.classes)).state_dict())
    model.to(plan.device)
    forward = _prepared(model, settings, plan.device)
    optimizer = sgd(model, settings)
    images = torch.from_numpy(np.array(train.images)).to(plan.device)
    labels = torch.from_numpy(train.labels).to(plan.device)
    valid_images = torch.from_numpy(np.array(valid.images))
    batches = batches_per_epoch(len(train), settings.batch_size)
    total = plan.steps or settings.epochs * batches
    rng = generator(plan.seed, "augmentation")
    step, loss_sum, history = 0, 0.0, list[dict[str, float]]()
    best: dict[str, Any] = {"accuracy": -1.0, "epoch": 0, "module": {}}

    def snapshot() -> Mapping[str, Any]:
        return {
            "network": {"module": model.state_dict(), "optimizer": optimizer.state_dict()},
            "augmentation": rng.get_state(),
            "dropout": torch.get_rng_state(),
            "step": step,
            "loss_sum": loss_sum,
            "history": history,
            "best": best,
        }

    torch.manual_seed(derive(plan.seed, "dropout"))
    state = checkpoints.load()
    if state is not None:
        restore(model, optimizer, state["network"])
        rng.set_state(state["augmentation"])
        torch.set_rng_state(state["dropout"])
        step, loss_sum, history, best = state["step"], state["loss_sum"], state["history"], state["best"]
    for row in history:
        observe(int(row["epoch"]), row)
    for earlier in range(step):  # what was told before a kill may not have reached its store
        plan.observe_step(earlier, {"step_lr": learning_rate(settings.schedule, settings.lr, earlier, total)})

    for epoch in range(len(history), ceil(total / batches)):  # the last epoch may be cut short by `steps`
        if stop_at_drop and len(history) > 1 and history[-1]["valid_accuracy"] < history[-2]["valid_accuracy"]:
            break
        order = permutation(len(train), plan.seed, "order", epoch)
        end = min((epoch + 1) * batches, total)
        model.train()
        started, step_before = time.monotonic(), step
        while step < end:
            first = step % batches * settings.batch_size
            chosen = order[first : first + settings.batch_size].to(plan.device)
            rate = learning_rate(settings.schedule, settings.lr, step, total)
            loss_sum += _update(forward, optimizer, rate, images[chosen], labels[chosen], settings, rng)
            _must_be_finite(loss_sum, step, epoch, checkpoints)
            plan.observe_step(step, {"step_lr": rate})
            step += 1
            if step < end:
                checkpoints.offer(snapshot)
        seen, seconds = min((end - step_before) * settings.batch_size, len(train)), time.monotonic() - started
        plan.observe_step(step - 1, {"images_per_second": seen / seconds})
        accuracy, valid_loss = _score(model, valid_images, valid.labels, settings.input_size)
        _must_be_finite(valid_loss, step - 1, epoch, checkpoints)
        row = {
            "epoch": epoch + 1,
            "step": step,
            "lr": rate,
            "train_loss": loss_sum / (end - epoch * batches),
            "valid_loss": valid_loss,
            "valid_accuracy": accuracy,
        }
        history.append(row)
        loss_sum = 0.0
        if accuracy > best["accuracy"]:
            module = {name: tensor.clone() for name, tensor in model.state_dict().items()}
            best = {"accuracy": accuracy, "epoch": epoch + 1, "module": module}
        if plan.every_epoch:
            save_weights(model, plan.every_epoch / f"{epoch + 1:04d}")
        observe(epoch + 1, row)
        checkpoints.offer(snapshot)
    checkpoints.save(snapshot())
    model.load_state_dict(best["module"])
    return Fit(history, best["epoch"], best["accuracy"])


def save_weights(model: nn.Module, folder: Path) -> None:
    """Write a network's weights into a folder; equal weights are equal bytes."""
    save_state(model.state_dict(), folder / FILE)


def _prepared(model: nn.Module, settings: NetworkClassifier, device: str) -> Callable[[Tensor], Tensor]:
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


def _update(
    forward: Callable[[Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    rate: float,
    images: Tensor,
    labels: Tensor,
    settings: NetworkClassifier,
    rng: torch.Generator,
) -> float:
    set_rate(optimizer, rate)
    faces = to_input(images, images.shape[-1])
    batch = augment(faces, settings.augmentation, rng, settings.input_size)
    loss = F.cross_entropy(
        forward(batch.contiguous(memory_format=torch.channels_last)), labels, label_smoothing=settings.label_smoothing
    )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.item()


def _score(model: nn.Module, images: Tensor, labels: np.ndarray, side: int) -> tuple[float, float]:
    found = probabilities(model, images, side)
    chosen = found[np.arange(len(labels)), labels]
    accuracy = float((found.argmax(axis=1) == labels).mean())
    return accuracy, float(-np.log(np.maximum(chosen, np.finfo(float).tiny)).mean())


def _must_be_finite(loss_sum: float, step: int, epoch: int, checkpoints: Checkpoints) -> None:
    if not isfinite(loss_sum):
        raise UserError(
            f"the loss is no longer finite at step {step} (epoch {epoch + 1})",
            where=f"the last finite checkpoint is kept in {checkpoints.folder}",
            next_step="lower the learning rate",
        )
