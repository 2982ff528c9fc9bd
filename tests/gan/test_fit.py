"""The one GAN loop: against a loop written out, interrupted at every step, stopped when it diverges."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import BCEWithLogitsLoss

from ferlab.errors import UserError
from ferlab.gan.families import FAMILIES, Family
from ferlab.gan.fit import TrainedGan, fit
from ferlab.gan.networks import to_network
from ferlab.params import GanFamily
from ferlab.training.checkpoint import FILE, Checkpoints, load_state
from ferlab.training.observe import ignore
from ferlab.training.seeding import derive, generator, permutation, seeded
from small import Dying, KilledError, Record, gan, noise

DCGAN = FAMILIES["dcgan"]
IMAGES = torch.from_numpy(noise(10) // 2)
LABELS = torch.zeros(10, dtype=torch.int64)
BATCHES = 3  # an epoch of ten images in fours; the last has two


def train(folder: Path, settings: GanFamily, family: Family = DCGAN, **other: Any) -> TrainedGan:
    arguments: dict[str, Any] = {
        "n_labels": 1,
        "seed": 0,
        "device": "cpu",
        "observe": ignore,
        "checkpoints": Checkpoints(folder, 1e9),
    }
    return fit(family, settings, IMAGES, LABELS, **(arguments | other))


def plain_loop(settings: GanFamily, seed: int) -> tuple[dict[str, Tensor], list[tuple[float, float]]]:
    """The same training written out with torch's own cross-entropy."""
    with seeded(derive(seed, "weights")):
        maker, critic = DCGAN.networks(settings, 1)
    betas = (settings.beta1, settings.beta2)
    maker_adam = torch.optim.Adam(maker.parameters(), settings.lr, betas)
    critic_adam = torch.optim.Adam(critic.parameters(), settings.lr, betas)
    rng, loss, losses, step = generator(seed, "noise"), BCEWithLogitsLoss(), [], 0
    for epoch in range(settings.epochs):
        critic_sum = maker_sum = 0.0
        for chosen in permutation(10, seed, "order", epoch).split(settings.batch_size):
            n, told = len(chosen), LABELS[chosen]
            fake = maker(torch.randn(n, settings.latent, 1, 1, generator=rng), told)
            on_real, on_fake = critic(to_network(IMAGES[chosen]), told), critic(fake.detach(), told)
            critic_loss = loss(on_real, torch.ones(n)) + loss(on_fake, torch.zeros(n))
            critic_adam.zero_grad()
            critic_loss.backward()
            critic_adam.step()
            critic_sum += critic_loss.item()
            step += 1
            if step % settings.critic_steps == 0:
                if settings.critic_steps > 1:
                    fake = maker(torch.randn(n, settings.latent, 1, 1, generator=rng), told)
                maker_loss = loss(critic(fake, told), torch.ones(n))
                maker_adam.zero_grad()
                maker_loss.backward()
                maker_adam.step()
                maker_sum += maker_loss.item() * settings.critic_steps
        losses.append((critic_sum / BATCHES, maker_sum / BATCHES))
    return maker.state_dict(), losses


@pytest.mark.parametrize("critic_steps", [1, 3])
def test_against_a_loop_written_out(tmp_path: Path, critic_steps: int) -> None:
    settings = gan(critic_steps=critic_steps)
    trained = train(tmp_path, settings)
    weights, losses = plain_loop(settings, 0)
    for name, value in trained.generator.state_dict().items():
        torch.testing.assert_close(value, weights[name], rtol=1e-4, atol=1e-5, msg=name)
    found = [(row["critic_loss"], row["generator_loss"]) for row in trained.history]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(losses), rtol=1e-4, atol=1e-5)


def test_the_generator_learns_after_every_critic_steps_batches_only(tmp_path: Path) -> None:
    """Six steps and critic_steps 7: the critic has learned, the generator has its first weights."""
    settings = gan(critic_steps=7)
    trained = train(tmp_path, settings)
    with seeded(derive(0, "weights")):
        maker, critic = DCGAN.networks(settings, 1)
    state = load_state(tmp_path / FILE)
    for name, weight in maker.named_parameters():
        assert torch.equal(trained.generator.state_dict()[name], weight)
    assert not torch.equal(state["critic"]["module"]["layers.0.weight"], critic.layers[0].weight)
    assert {row["generator_loss"] for row in trained.history} == {0.0}


@pytest.mark.parametrize("critic_steps", [1, 2])
@pytest.mark.parametrize("writes", range(1, 2 * BATCHES + 2))
def test_interrupted_anywhere_it_ends_bit_equal(tmp_path: Path, writes: int, critic_steps: int) -> None:
    """CASES 7 and 15: within an epoch, at its end, after the last step, after the last write."""
    settings, straight_record, record = gan(critic_steps=critic_steps), Record(), Record()
    straight = train(tmp_path / "straight", settings, observe=straight_record)
    with pytest.raises(KilledError):
        train(tmp_path / "broken", settings, checkpoints=Dying(tmp_path / "broken", writes))
    torch.manual_seed(writes)  # another process has another global state
    resumed = train(tmp_path / "broken", settings, observe=record)
    assert (tmp_path / "broken" / FILE).read_bytes() == (tmp_path / "straight" / FILE).read_bytes()
    assert resumed.history == straight.history
    assert record.rows == straight_record.rows  # one value an epoch, earlier ones too


def test_more_epochs_later(tmp_path: Path) -> None:
    """1 + 2 epochs are 3."""
    train(tmp_path / "parts", gan(epochs=1))
    train(tmp_path / "parts", gan(epochs=3))
    train(tmp_path / "straight", gan(epochs=3))
    assert (tmp_path / "parts" / FILE).read_bytes() == (tmp_path / "straight" / FILE).read_bytes()


def test_an_observer_that_fails_costs_no_step(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        train(tmp_path / "a", gan(), observe=Record(dies_at=1), checkpoints=Checkpoints(tmp_path / "a", 0))
    record = Record()
    train(tmp_path / "a", gan(), observe=record)
    train(tmp_path / "b", gan())
    assert record.steps == [1, 2]
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()


def diverging(at: int) -> Family:
    """A DCGAN whose critic's loss overflows at a step."""
    calls = 0

    def critic_loss(critic: nn.Module, real: Tensor, fake: Tensor, labels: Tensor, settings: GanFamily) -> Tensor:
        nonlocal calls
        calls += 1
        loss = DCGAN.critic_loss(critic, real, fake, labels, settings)
        return loss * (1e38 * 1e3 if calls > at else 1.0)

    return replace(DCGAN, critic_loss=critic_loss)


@pytest.mark.parametrize("at", [1, 4])
def test_a_loss_that_is_not_finite_stops_it(tmp_path: Path, at: int) -> None:
    """CASE 27: the last finite checkpoint is kept and can be gone on from."""
    folder = tmp_path / "a"
    with pytest.raises(UserError, match=f"no longer finite at step {at} ") as caught:
        train(folder, gan(), diverging(at), checkpoints=Checkpoints(folder, 0))
    assert str(folder) in caught.value.where
    assert "lr" in caught.value.next_step
    state = load_state(folder / FILE)
    assert state["step"] == at
    for side in ("generator", "critic"):
        assert all(value.isfinite().all() for value in state[side]["module"].values())
    train(folder, gan())
    train(tmp_path / "b", gan())
    assert (folder / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()


@pytest.mark.parametrize("every_seconds", [0, 1e9])
def test_a_gradient_that_is_not_finite_stops_it_though_the_loss_is(tmp_path: Path, every_seconds: float) -> None:
    """CASE 27: the root of 0 has the value 0 and an infinite slope; no such weights are returned or kept."""

    def generator_loss(critic: nn.Module, fake: Tensor, labels: Tensor) -> Tensor:
        return (0 * critic(fake, labels)).sum().sqrt()

    family = replace(DCGAN, generator_loss=generator_loss)
    with pytest.raises(UserError, match="state is no longer finite: generator/"):
        one_step = gan().model_copy(update={"batch_size": len(IMAGES), "epochs": 1})
        train(tmp_path, one_step, family, checkpoints=Checkpoints(tmp_path, every_seconds))
    assert not (tmp_path / FILE).exists()
