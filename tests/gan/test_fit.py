"""The one GAN loop: against a loop written out, interrupted at every step, stopped when it diverges."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import BCEWithLogitsLoss

from ferlab.errors import UserError
from ferlab.gan.families import FAMILIES, Family
from ferlab.gan.fit import GRID_COLUMNS, TrainedGan, fit
from ferlab.gan.networks import to_network, to_pixels
from ferlab.gan.objectives import WASSERSTEIN
from ferlab.params import GanFamily
from ferlab.training.checkpoint import FILE, Checkpoints, load_state, save_state
from ferlab.training.observe import ignore
from ferlab.training.seeding import derive, permutation, random_generator, seeded
from small import Dying, KilledError, Record, gan, noise

DCGAN = FAMILIES["dcgan"]
IMAGES = torch.from_numpy(noise(10) // 2)
LABELS = torch.zeros(10, dtype=torch.int64)
BATCHES = 3  # an epoch of ten images in fours; the last has two


def labels_of(name: str) -> Tensor:
    return torch.arange(10) % 2 if FAMILIES[name].conditional else LABELS


def conditions(name: str) -> dict[str, Any]:
    """Arguments of `fit` for a family that is told two labels, or none."""
    return {"labels": labels_of(name), "classes": ("happy", "sad")} if FAMILIES[name].conditional else {}


def train(folder: Path, settings: GanFamily, family: Family = DCGAN, **other: Any) -> TrainedGan:
    arguments: dict[str, Any] = {
        "classes": ("happy",),
        "seed": 0,
        "device": "cpu",
        "observe": ignore,
        "checkpoints": Checkpoints(folder, 1e9),
    }
    return fit(family, settings, IMAGES, **({"labels": LABELS} | arguments | other))


@pytest.fixture
def in_doubles() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def plain_loop(name: str, settings: GanFamily, seed: int) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """The same training as the official DCGAN example and a plain WGAN-GP write it: two passes of the discriminator,
    all gradients everywhere, torch's own cross-entropy, plain Adam.
    """
    family = FAMILIES[name]
    with seeded(derive(seed, "weights")):
        generator, discriminator = family.networks(settings, 2 if family.conditional else 1)
    betas = (settings.beta1, settings.beta2)
    generator_adam = torch.optim.Adam(generator.parameters(), settings.lr, betas, foreach=False)
    discriminator_adam = torch.optim.Adam(discriminator.parameters(), settings.lr, betas, foreach=False)
    rng, cross, rows, step = random_generator(seed, "noise"), BCEWithLogitsLoss(), [], 0
    for epoch in range(settings.epochs):
        sums: dict[str, list[float]] = {"critic_loss": [], "generator_loss": [], "wasserstein": [], "slope": []}
        for chosen in permutation(10, seed, "order", epoch).split(settings.batch_size):
            n, labels, real = len(chosen), labels_of(name)[chosen], to_network(IMAGES[chosen])
            fake = generator(torch.randn(n, settings.latent, 1, 1, generator=rng), labels)
            on_real, on_fake = discriminator(real, labels), discriminator(fake.detach(), labels)
            sums["wasserstein"].append((on_real.mean() - on_fake.mean()).item())
            if name in ("dcgan", "cgan_plain"):
                discriminator_loss = cross(on_real, torch.ones(n)) + cross(on_fake, torch.zeros(n))
            else:
                discriminator_loss = on_fake.mean() - on_real.mean()
            if settings.penalty:
                alpha = torch.rand(n, 1, 1, 1, generator=rng)
                point = (alpha * real + (1 - alpha) * fake.detach()).requires_grad_()
                slope = torch.autograd.grad(discriminator(point, labels).sum(), point, create_graph=True)[0]
                slope = slope.pow(2).sum(dim=(1, 2, 3)).sqrt()
                discriminator_loss = discriminator_loss + settings.penalty * ((slope - 1) ** 2).mean()
                sums["slope"].append(slope.mean().item())
            discriminator_adam.zero_grad()
            discriminator_loss.backward()
            discriminator_adam.step()
            sums["critic_loss"].append(discriminator_loss.item())
            step += 1
            if step % settings.critic_steps == 0:
                if settings.critic_steps > 1:
                    fake = generator(torch.randn(n, settings.latent, 1, 1, generator=rng), labels)
                on_fake = discriminator(fake, labels)
                plain = name in ("dcgan", "cgan_plain")
                generator_loss = cross(on_fake, torch.ones(n)) if plain else -on_fake.mean()
                generator_adam.zero_grad()
                generator_loss.backward()
                generator_adam.step()
                sums["generator_loss"].append(generator_loss.item())
        rows.append({key: sum(values) / len(values) for key, values in sums.items() if values})
    return generator.state_dict(), rows


@pytest.mark.parametrize("critic_steps", [1, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_against_a_loop_written_out(tmp_path: Path, name: str, critic_steps: int, in_doubles: None) -> None:
    """What makes our loop faster changes no result beyond rounding.

    In float64: Adam's first steps make much of gradients that are nothing but rounding.
    """
    settings = gan(critic_steps=critic_steps)
    if FAMILIES[name].objective is WASSERSTEIN:
        settings = gan(critic_steps=critic_steps, critic_norm="layer", penalty=10.0, beta1=0.0, beta2=0.9)
    trained = train(tmp_path, settings, FAMILIES[name], **conditions(name))
    weights, rows = plain_loop(name, settings, 0)
    for key, value in trained.generator.state_dict().items():
        torch.testing.assert_close(value, weights[key], rtol=1e-6, atol=1e-8, msg=key)
    for found, expected in zip(trained.history, rows, strict=True):
        for key, value in expected.items():
            assert found[key] == pytest.approx(value, rel=1e-6, abs=1e-8), key


def test_the_generator_learns_after_every_critic_steps_batches_only(tmp_path: Path) -> None:
    """Six steps and critic_steps 7: the discriminator has learned, the generator has its first weights."""
    settings = gan(critic_steps=7)
    trained = train(tmp_path, settings)
    with seeded(derive(0, "weights")):
        generator, discriminator = DCGAN.networks(settings, 1)
    state = load_state(tmp_path / FILE)
    for name, weight in generator.named_parameters():
        assert torch.equal(trained.generator.state_dict()[name], weight)
    assert not torch.equal(state["discriminator"]["module"]["layers.0.weight"], discriminator.layers[0].weight)
    assert not any("generator_loss" in row for row in trained.history)


@pytest.mark.parametrize("critic_steps", [1, 2])
@pytest.mark.parametrize("writes", range(1, 2 * BATCHES + 2))
def test_interrupted_anywhere_it_ends_bit_equal(tmp_path: Path, writes: int, critic_steps: int) -> None:
    """Within an epoch, at its end, after the last step, after the last write."""
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
    """A DCGAN whose discriminator's loss overflows at a step."""
    calls = 0

    def discriminator_loss(on_real: Tensor, on_fake: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return DCGAN.objective.discriminator(on_real, on_fake) * (1e38 * 1e3 if calls > at else 1.0)

    return replace(DCGAN, objective=replace(DCGAN.objective, discriminator=discriminator_loss))


@pytest.mark.parametrize("at", [1, 4])
def test_a_loss_that_is_not_finite_stops_it(tmp_path: Path, at: int) -> None:
    """The last finite checkpoint is kept and can be gone on from."""
    folder = tmp_path / "a"
    with pytest.raises(UserError, match=f"no longer finite by step {at} ") as caught:
        train(folder, gan(), diverging(at), checkpoints=Checkpoints(folder, 0))
    assert str(folder) in caught.value.where
    assert "lr" in caught.value.next_step
    state = load_state(folder / FILE)
    assert state["step"] == at
    for side in ("generator", "discriminator"):
        assert all(value.isfinite().all() for value in state[side]["module"].values())
    train(folder, gan())
    train(tmp_path / "b", gan())
    assert (folder / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()


@pytest.mark.parametrize("every_seconds", [0, 1e9])
def test_a_gradient_that_is_not_finite_stops_it_though_the_loss_is(tmp_path: Path, every_seconds: float) -> None:
    """The root of 0 has the value 0 and an infinite slope; no such weights are returned or kept."""

    def generator_loss(on_fake: Tensor) -> Tensor:
        return (0 * on_fake).sum().sqrt()

    family = replace(DCGAN, objective=replace(DCGAN.objective, generator=generator_loss))
    with pytest.raises(UserError, match="generator_gradient no longer finite"):
        one_step = gan().model_copy(update={"batch_size": len(IMAGES), "epochs": 1})
        train(tmp_path, one_step, family, checkpoints=Checkpoints(tmp_path, every_seconds))
    assert not (tmp_path / FILE).exists()


def test_the_signals(tmp_path: Path) -> None:
    """What one sees of a training without pictures."""
    row = train(tmp_path / "a", gan()).history[-1]
    signals = {
        "critic_loss",
        "generator_loss",
        "wasserstein",
        "critic_accuracy",
        "critic_gradient",
        "generator_gradient",
    }
    assert set(row) == {"epoch"} | signals
    assert 0 <= row["critic_accuracy"] <= 1
    assert min(row["critic_gradient"], row["generator_gradient"]) > 0
    penalised = gan(critic_norm="layer", penalty=10.0)
    assert set(train(tmp_path / "b", penalised, FAMILIES["wgan_gp"]).history[-1]) == {"epoch", "slope"} | signals


def test_a_discriminator_that_has_learned(tmp_path: Path) -> None:
    """Faces with bright corners against a young generator: soon told apart, with logits on the right sides."""
    row = train(tmp_path, gan(epochs=12, base_channels=4)).history[-1]
    assert row["critic_accuracy"] > 0.9
    assert row["wasserstein"] > 1


@pytest.mark.parametrize("every", [1, 2, 5])
def test_sample_grids_change_nothing(tmp_path: Path, every: int) -> None:
    """Every so many epochs and at the end, from the same noise, as sampling will show it."""
    grids: dict[int, Any] = {}
    seen = train(tmp_path / "a", gan(epochs=3), observe_grid=grids.__setitem__, grid_every=every)
    train(tmp_path / "b", gan(epochs=3))
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()
    assert list(grids) == {1: [1, 2, 3], 2: [2, 3], 5: [3]}[every]
    assert all(images.shape == (1, GRID_COLUMNS, 48, 48) for images in grids.values())
    z = torch.randn(GRID_COLUMNS, 5, 1, 1, generator=random_generator(0, "grid"))
    with torch.no_grad():
        expected = to_pixels(seen.generator(z, torch.zeros(GRID_COLUMNS, dtype=torch.int64)))
    assert torch.equal(torch.from_numpy(grids[3][0]), expected)
    assert every != 1 or (grids[1] != grids[3]).any()


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        ([], ("happy",), "'happy' has no images"),
        ([0], ("happy",), "'happy' has one image"),
        ([0, 0, 2, 2], ("happy", "sad", "fear"), "'sad' has no images"),
        ([0, 0, 1], ("happy", "sad"), "'sad' has one image"),
    ],
)
def test_too_few_images(tmp_path: Path, labels: list[int], classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        fit(
            FAMILIES["cgan_plain"],
            gan(),
            IMAGES[: len(labels)],
            torch.tensor(labels, dtype=torch.int64),
            classes=classes,
            seed=0,
            device="cpu",
            observe=ignore,
            checkpoints=Checkpoints(tmp_path, 0),
        )
    assert "audit" in caught.value.next_step
    assert not any(tmp_path.iterdir())


def test_a_class_smaller_than_a_batch_is_one_batch(tmp_path: Path) -> None:
    train(tmp_path / "a", gan(batch_size=64))
    train(tmp_path / "b", gan(batch_size=10))
    states = [load_state(tmp_path / name / FILE) for name in "ab"]
    assert states[0]["step"] == states[1]["step"] == 2
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("cgan_plain", {}),
        ("dcgan", {"base_channels": 3}),
        ("dcgan", {"latent": 6}),
        ("dcgan", {"critic_norm": "layer"}),
    ],
)
def test_a_checkpoint_of_another_gan_is_refused_and_kept(tmp_path: Path, family: str, changes: dict[str, Any]) -> None:
    """Another family, size or setting (identity keeps them apart; this is the second lock)."""
    train(tmp_path, gan())
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(UserError, match="checkpoint"):
        train(tmp_path, gan(**changes), FAMILIES[family], **conditions(family))
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("broken", ["noise absent", "noise of another kind", "optimizer absent"])
def test_a_state_that_cannot_be_restored_is_an_error(tmp_path: Path, broken: str) -> None:
    """Never skipped silently."""
    train(tmp_path, gan())
    state = load_state(tmp_path / FILE)
    if broken == "noise absent":
        del state["noise"]
    elif broken == "noise of another kind":
        state["noise"] = state["noise"][:8]
    else:
        del state["discriminator"]["optimizer"]
    save_state(state, tmp_path / FILE)
    with pytest.raises(UserError, match="checkpoint"):
        train(tmp_path, gan(epochs=3))


def test_a_damaged_checkpoint_is_an_error_and_kept(tmp_path: Path) -> None:
    train(tmp_path, gan())
    content = bytearray((tmp_path / FILE).read_bytes())
    content[len(content) // 2] ^= 1  # one bit of a weight: nothing but a hash can tell
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UserError, match="damaged") as caught:
        train(tmp_path, gan(epochs=3))
    assert str(tmp_path) in caught.value.where
    assert (tmp_path / FILE).read_bytes() == content
