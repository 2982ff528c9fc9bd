"""What every GAN family must do, whatever it is."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.errors import UserError
from ferlab.gan.families import FAMILIES
from ferlab.gan.fit import TrainedGan, fit
from ferlab.gan.networks import to_network
from ferlab.gan.pair import AdversarialPair
from ferlab.params import GanFamily, load
from ferlab.synthesis.sample import draw
from ferlab.training.checkpoint import FILE, Checkpoints, load_state
from ferlab.training.observe import Observer, ignore
from small import REPOSITORY, Dying, KilledError, Record, barred

PARAMS = load(REPOSITORY / "params.yaml")
NAMES = sorted(FAMILIES)
FACES = barred(2, classes=CKPLUS_CLASSES)
EPOCHS = 2

Trained = Callable[[str], tuple[Path, TrainedGan, Record]]


def small(name: str) -> GanFamily:
    changes = {"base_channels": 2, "latent": 5, "batch_size": 5, "epochs": EPOCHS}
    return PARAMS.gan.families[name].model_copy(update=changes)


def train(name: str, checkpoints: Checkpoints, seed: int = 0, observe: Observer = ignore, n: int = 14) -> TrainedGan:
    """A conditional family sees labels, another one has one; `n` images, of each label as many."""
    conditional = FAMILIES[name].conditional
    labels = torch.arange(n) % 7 if conditional else torch.zeros(n, dtype=torch.int64)
    return fit(
        FAMILIES[name],
        small(name),
        torch.from_numpy(FACES.images)[:n],
        labels,
        classes=CKPLUS_CLASSES if conditional else ("happy",),
        seed=seed,
        device="cpu",
        observe=observe,
        checkpoints=checkpoints,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    @cache
    def run(name: str) -> tuple[Path, TrainedGan, Record]:
        folder, record = tmp_path_factory.mktemp(name), Record()
        return folder / FILE, train(name, Checkpoints(folder, 1e9), observe=record), record

    return run


def test_every_family_of_the_parameters_exists_and_the_other_way_round() -> None:
    assert set(PARAMS.gan.families) == set(FAMILIES)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_ranges(name: str) -> None:
    family, settings = FAMILIES[name], small(name)
    generator, discriminator = family.networks(settings, 7)
    labels = torch.arange(6)
    images = generator(torch.randn(6, settings.latent, 1, 1), labels)
    assert images.shape == (6, 1, 48, 48)
    assert images.dtype == torch.float32
    assert images.abs().max() <= 1
    assert discriminator(images, labels).shape == (6,)
    real = to_network(torch.from_numpy(FACES.images[:6]))
    on_real, on_fake = discriminator(real, labels), discriminator(images, labels)
    for loss in (family.objective.discriminator(on_real, on_fake), family.objective.generator(on_fake)):
        assert loss.shape == ()
        assert loss.isfinite()
        assert loss.requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_each_network_learns_from_its_own_loss(name: str) -> None:
    """A step against either gradient lowers that loss."""
    family, settings = FAMILIES[name], small(name)
    torch.manual_seed(0)
    generator, discriminator = (one.double() for one in family.networks(settings, 7))
    labels, z = torch.arange(6), torch.randn(6, settings.latent, 1, 1).double()
    real = to_network(torch.from_numpy(FACES.images[:6])).double()

    def discriminator_loss() -> torch.Tensor:
        fake = generator(z, labels).detach()
        return family.objective.discriminator(discriminator(real, labels), discriminator(fake, labels))

    def generator_loss() -> torch.Tensor:
        return family.objective.generator(discriminator(generator(z, labels), labels))

    for network, loss in ((discriminator, discriminator_loss), (generator, generator_loss)):
        before = loss()
        weights = list(network.parameters())
        gradients = torch.autograd.grad(before, weights, allow_unused=True)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                if gradient is not None:
                    weight -= 1e-6 * gradient.sign()
        assert loss() < before


@pytest.mark.parametrize("name", NAMES)
def test_an_update_of_one_network_leaves_the_other_alone(name: str) -> None:
    """Not a bit of the generator's weights in the discriminator's step, nor the other way round."""
    settings = small(name)
    pair = AdversarialPair(FAMILIES[name], settings, 7, 0, "cpu")
    real, labels = to_network(torch.from_numpy(FACES.images[:6])), torch.arange(6)

    def weights(network: torch.nn.Module) -> list[torch.Tensor]:
        return [weight.detach().clone() for weight in network.parameters()]

    def changed(before: list[torch.Tensor], network: torch.nn.Module) -> bool:
        return any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))

    generator, discriminator = weights(pair.generator), weights(pair.discriminator)
    noise = pair.draw(6, generator_too=True)
    _, generated = pair.update_discriminator(real, labels, noise)
    assert not changed(generator, pair.generator)
    assert changed(discriminator, pair.discriminator)
    discriminator = weights(pair.discriminator)
    pair.update_generator(labels, generated, noise)
    assert changed(generator, pair.generator)
    assert not changed(discriminator, pair.discriminator)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_fit_tells(name: str, trained: Trained) -> None:
    _, gan, record = trained(name)
    assert [row["epoch"] for row in gan.history] == [1, 2]
    always = {"epoch", "critic_loss", "wasserstein", "critic_accuracy", "critic_gradient"}
    assert all(always <= set(row) for row in gan.history)
    assert any("generator_loss" in row for row in gan.history)
    assert all(("slope" in row) == (small(name).penalty > 0) for row in gan.history)
    assert all(np.isfinite(list(row.values())).all() for row in gan.history)
    assert record.rows == [(int(row["epoch"]), row) for row in gan.history]
    assert not gan.generator.training
    assert {parameter.device.type for parameter in gan.generator.parameters()} == {"cpu"}


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_kept_is_the_one_on_disk(name: str, trained: Trained) -> None:
    file, gan, _ = trained(name)
    kept = load_state(file)["generator"]["module"]
    assert all(torch.equal(value, kept[key]) for key, value in gan.generator.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_alone_decides(name: str, trained: Trained, tmp_path: Path) -> None:
    torch.manual_seed(99)
    train(name, Checkpoints(tmp_path / "again", 1e9))
    train(name, Checkpoints(tmp_path / "other", 1e9), seed=1)
    expected = trained(name)[0].read_bytes()
    assert (tmp_path / "again" / FILE).read_bytes() == expected
    assert (tmp_path / "other" / FILE).read_bytes() != expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("writes", [1, 3, 5, 7])
def test_interrupted_it_ends_bit_equal(name: str, writes: int, trained: Trained, tmp_path: Path) -> None:
    """Bytes, history and what was observed; three batches an epoch."""
    with pytest.raises(KilledError):
        train(name, Dying(tmp_path, writes))
    record = Record()
    resumed = train(name, Checkpoints(tmp_path, 0), observe=record)
    file, gan, straight = trained(name)
    assert (tmp_path / FILE).read_bytes() == file.read_bytes()
    assert resumed.history == gan.history
    assert record.rows == straight.rows


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_on_few_images(name: str, tmp_path: Path) -> None:
    """Also where all that there are make less than a batch: two of a label."""
    n = 14 if FAMILIES[name].conditional else 2
    assert len(train(name, Checkpoints(tmp_path, 1e9), n=n).history) == EPOCHS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [0, 1])
def test_no_image_or_one(name: str, n: int, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has one image" if n else "has no images"):
        train(name, Checkpoints(tmp_path, 1e9), n=n)


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_of_another_family_is_refused(name: str, trained: Trained, tmp_path: Path) -> None:
    """Of each family by each other one; whatever it is, it stays."""
    for other in set(NAMES) - {name}:
        content = trained(other)[0].read_bytes()
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(UserError, match="checkpoint"):
            train(name, Checkpoints(tmp_path, 1e9))
        assert (tmp_path / FILE).read_bytes() == content


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 49, 120])
def test_faces_are_drawn_and_do_not_depend_on_how_many_at_once(name: str, n: int, trained: Trained) -> None:
    generator, label = trained(name)[1].generator, 3 if FAMILIES[name].conditional else 0
    images = draw(generator, 5, label, n, seed=0)
    assert images.shape == (n, 48, 48)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, draw(generator, 5, label, 130, seed=0)[:n])
