"""The one training loop of all GAN families."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import torch
from torch import Tensor, nn

from ferlab.errors import UserError
from ferlab.gan.families import Family
from ferlab.gan.networks import to_network
from ferlab.params import GanFamily
from ferlab.training.checkpoint import Checkpoints, restore
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive, generator, permutation, seeded


@dataclass(frozen=True)
class TrainedGan:
    """A trained generator (in evaluation mode, on the CPU) and one row of mean losses an epoch."""

    generator: nn.Module
    history: list[dict[str, float]]


def fit(
    family: Family,
    settings: GanFamily,
    images: Tensor,
    labels: Tensor,
    *,
    n_labels: int,
    seed: int,
    device: str,
    observe: Observer,
    checkpoints: Checkpoints,
) -> TrainedGan:
    """Train one GAN.

    An epoch is one pass of the critic over the images; the generator is updated after every `critic_steps` batches.
    The last batch of an epoch may be smaller. Calls `observe(epoch, losses)` once an epoch.

    Args:
        images: uint8 (N, 48, 48), 0-255.
        labels: int64 (N,), 0 to n_labels - 1.
        seed: decides first weights, order and noise.

    Raises:
        UserError: no images, or a loss that is no longer finite (the last finite checkpoint is kept).
    """
    if not len(images):
        raise UserError("a GAN can't be trained on no images", next_step="`ferlab data audit` shows the classes' sizes")
    with seeded(derive(seed, "weights")):
        maker, critic = family.networks(settings, n_labels)
    maker, critic = maker.to(device), critic.to(device)
    betas = (settings.beta1, settings.beta2)
    maker_optimizer = torch.optim.Adam(maker.parameters(), settings.lr, betas)
    critic_optimizer = torch.optim.Adam(critic.parameters(), settings.lr, betas)
    noise = generator(seed, "noise")
    real_images, all_labels = to_network(images).to(device), labels.to(device)
    batches = ceil(len(images) / settings.batch_size)
    step, sums, history = 0, {"critic_loss": 0.0, "generator_loss": 0.0}, list[dict[str, float]]()

    def snapshot() -> Mapping[str, Any]:
        return {
            "generator": {"module": maker.state_dict(), "optimizer": maker_optimizer.state_dict()},
            "critic": {"module": critic.state_dict(), "optimizer": critic_optimizer.state_dict()},
            "noise": noise.get_state(),
            "step": step,
            "sums": sums,
            "history": history,
        }

    state = checkpoints.load()
    if state is not None:
        restore(maker, maker_optimizer, state["generator"])
        restore(critic, critic_optimizer, state["critic"])
        noise.set_state(state["noise"])
        step, sums, history = state["step"], state["sums"], state["history"]
    for row in history:
        observe(int(row["epoch"]), row)

    for epoch in range(step // batches, settings.epochs):
        order = permutation(len(images), seed, "order", epoch)
        for batch in range(step % batches, batches):
            chosen = order[batch * settings.batch_size : (batch + 1) * settings.batch_size].to(device)
            real, told = real_images[chosen], all_labels[chosen]
            fake = _make(maker, len(real), settings.latent, told, noise)
            critic_loss = family.critic_loss(critic, real, fake.detach(), told, settings)
            _update(critic_optimizer, critic_loss)
            sums["critic_loss"] += critic_loss.item()
            if (step + 1) % settings.critic_steps == 0:
                if settings.critic_steps > 1:  # the generator answers to images of its own, not to the critic's last
                    fake = _make(maker, len(real), settings.latent, told, noise)
                generator_loss = family.generator_loss(critic, fake, told)
                _update(maker_optimizer, generator_loss)
                sums["generator_loss"] += generator_loss.item() * settings.critic_steps
            _must_be_finite(sums, step, epoch, checkpoints)
            step += 1
            if step % batches == 0:
                row = {"epoch": epoch + 1, **{name: total / batches for name, total in sums.items()}}
                history.append(row)
                sums = dict.fromkeys(sums, 0.0)
                observe(epoch + 1, row)
            checkpoints.offer(snapshot)
    checkpoints.save(snapshot())
    return TrainedGan(maker.eval().cpu(), history)


def _must_be_finite(sums: Mapping[str, float], step: int, epoch: int, checkpoints: Checkpoints) -> None:
    if not all(map(isfinite, sums.values())):
        raise UserError(
            f"the loss is no longer finite at step {step} (epoch {epoch + 1})",
            where=f"the last finite checkpoint is kept in {checkpoints.folder}",
            next_step="lower the family's learning rate (gan.families.<family>.lr)",
        )


def _make(maker: nn.Module, n: int, latent: int, labels: Tensor, noise: torch.Generator) -> Tensor:
    # drawn on the CPU, so that a seed means the same faces on every device
    z = torch.randn(n, latent, 1, 1, generator=noise).to(labels.device)
    fake: Tensor = maker(z, labels)
    return fake


def _update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
