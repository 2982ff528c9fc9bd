"""What every GAN family must do, whatever it is."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.errors import UserError
from ferlab.gan.families import Family
from ferlab.gan.fit import TrainedGan, fit
from ferlab.gan.networks import to_network
from ferlab.gan.pair import AdversarialPair
from ferlab.params import GanFamily
from ferlab.parts import takes
from ferlab.synthesis.sample import draw
from ferlab.testing.faces import barred, coloured
from ferlab.testing.watched import Dying, KilledError, Record
from ferlab.training.checkpoint import FILE, Checkpoints, load_state
from ferlab.training.observe import Observer, ignore

FACES = barred(2, classes=CKPLUS_CLASSES)
LABELS, SIDE = len(FACES.classes), FACES.side
SMALL = {"base_channels": 2, "latent": 5, "batch_size": 5, "epochs": 2}
"""What settings must have here, so that a GAN is trained in a second: two epochs of three batches."""


class Trained(NamedTuple):
    """A GAN, its last checkpoint, and what its observer was told. Read-only."""

    file: Path
    gan: TrainedGan
    record: Record


def train(
    family: Family,
    settings: GanFamily,
    checkpoints: Checkpoints,
    *,
    seed: int = 0,
    observe: Observer = ignore,
    n: int = len(FACES),
    images: NDArray[np.uint8] = FACES.images,
) -> TrainedGan:
    """A conditional family sees labels, another one has one; `n` of the images, of each label as many."""
    return fit(
        family,
        settings,
        torch.from_numpy(images)[:n],
        torch.arange(n) % LABELS if family.conditional else torch.zeros(n, dtype=torch.int64),
        classes=FACES.classes if family.conditional else ("happy",),
        seed=seed,
        device="cpu",
        observe=observe,
        checkpoints=checkpoints,
    )


class GanConformance:
    """Subclass it with a name that begins with Test, and say in the fixtures what is tested."""

    @pytest.fixture(scope="class")
    @classmethod
    def family(cls) -> Family:
        """What the entry point names."""
        pytest.fail("the subclass lacks the fixture `family`: what its entry point names")

    @pytest.fixture(scope="class")
    @classmethod
    def settings(cls) -> GanFamily:
        """Settings that suit the family, with the values of `SMALL`."""
        pytest.fail("the subclass lacks the fixture `settings`: of the family, with the values of SMALL")

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, family: Family, settings: GanFamily, tmp_path_factory: pytest.TempPathFactory) -> Trained:
        assert settings == settings.model_copy(update=SMALL), "the settings must have the values of SMALL"
        folder, record = tmp_path_factory.mktemp("trained"), Record()
        return Trained(folder / FILE, train(family, settings, Checkpoints(folder, 1e9), observe=record), record)

    def test_shapes_and_ranges(self, family: Family, settings: GanFamily) -> None:
        generator, discriminator = family.networks(settings, LABELS)
        labels = torch.arange(6)
        images = generator(torch.randn(6, settings.latent, 1, 1), labels)
        assert images.shape == (6, 1, SIDE, SIDE)
        assert images.dtype == torch.float32
        assert images.abs().max() <= 1
        assert discriminator(images, labels).shape == (6,)
        real = to_network(torch.from_numpy(FACES.images[:6]))
        on_real, on_fake = discriminator(real, labels), discriminator(images, labels)
        for loss in (family.objective.discriminator(on_real, on_fake), family.objective.generator(on_fake)):
            assert loss.shape == ()
            assert loss.isfinite()
            assert loss.requires_grad

    def test_each_network_learns_from_its_own_loss(self, family: Family, settings: GanFamily) -> None:
        """A step against either gradient lowers that loss."""
        torch.manual_seed(0)
        generator, discriminator = (one.double() for one in family.networks(settings, LABELS))
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
                        weight.sub_(gradient.sign(), alpha=1e-6)
            assert loss() < before

    def test_an_update_of_one_network_leaves_the_other_alone(self, family: Family, settings: GanFamily) -> None:
        """Not a bit of the generator's weights in the discriminator's step, nor the other way round."""
        pair = AdversarialPair(family, settings, LABELS, 0, "cpu")
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

    def test_what_a_fit_tells(self, settings: GanFamily, trained: Trained) -> None:
        _, gan, record = trained
        assert [row["epoch"] for row in gan.history] == [1, 2]
        always = {"epoch", "critic_loss", "wasserstein", "critic_accuracy", "critic_gradient"}
        assert all(always <= set(row) for row in gan.history)
        assert any("generator_loss" in row for row in gan.history)
        assert all(("slope" in row) == (settings.penalty > 0) for row in gan.history)
        assert all(np.isfinite(list(row.values())).all() for row in gan.history)
        assert record.rows == [(int(row["epoch"]), row) for row in gan.history]
        assert not gan.generator.training
        assert {parameter.device.type for parameter in gan.generator.parameters()} == {"cpu"}

    def test_the_generator_kept_is_the_one_on_disk(self, trained: Trained) -> None:
        kept = load_state(trained.file)["generator"]["module"]
        assert all(torch.equal(value, kept[key]) for key, value in trained.gan.generator.state_dict().items())

    def test_the_seed_alone_decides(
        self, family: Family, settings: GanFamily, trained: Trained, tmp_path: Path
    ) -> None:
        torch.manual_seed(99)
        train(family, settings, Checkpoints(tmp_path / "again", 1e9))
        train(family, settings, Checkpoints(tmp_path / "other", 1e9), seed=1)
        expected = trained.file.read_bytes()
        assert (tmp_path / "again" / FILE).read_bytes() == expected
        assert (tmp_path / "other" / FILE).read_bytes() != expected

    @pytest.mark.parametrize("writes", [1, 3, 5, 7])
    def test_interrupted_it_ends_bit_equal(
        self, family: Family, settings: GanFamily, writes: int, trained: Trained, tmp_path: Path
    ) -> None:
        """Bytes, history and what was observed; three batches an epoch."""
        with pytest.raises(KilledError):
            train(family, settings, Dying(tmp_path, writes))
        record = Record()
        resumed = train(family, settings, Checkpoints(tmp_path, 0), observe=record)
        assert (tmp_path / FILE).read_bytes() == trained.file.read_bytes()
        assert resumed.history == trained.gan.history
        assert record.rows == trained.record.rows

    def test_it_trains_on_few_images(self, family: Family, settings: GanFamily, tmp_path: Path) -> None:
        """Also where all that there are make less than a batch: two of a label."""
        n = len(FACES) if family.conditional else 2
        assert len(train(family, settings, Checkpoints(tmp_path, 1e9), n=n).history) == settings.epochs

    @pytest.mark.parametrize("n", [0, 1])
    def test_no_image_or_one(self, family: Family, settings: GanFamily, n: int, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="has one image" if n else "has no images"):
            train(family, settings, Checkpoints(tmp_path, 1e9), n=n)

    def test_faces_in_colour(self, family: Family, settings: GanFamily, tmp_path: Path) -> None:
        """They are learned from and drawn; a family whose networks know grey faces alone is refused."""
        images = coloured(FACES).images
        if not takes(family.networks, "channels"):
            with pytest.raises(UserError, match=type(family).__name__):
                train(family, settings, Checkpoints(tmp_path, 1e9), images=images)
            return
        generator = train(family, settings, Checkpoints(tmp_path, 1e9), images=images).generator
        drawn = draw(generator, settings.latent, 0, 3, seed=0)
        assert drawn.shape == (3, SIDE, SIDE, 3)
        assert (drawn != drawn[..., :1]).any(), "its channels are one"
        with pytest.raises(UserError, match="checkpoint"):
            train(family, settings, Checkpoints(tmp_path, 1e9))

    @pytest.mark.parametrize("n", [1, 49, 120])
    def test_faces_are_drawn_and_do_not_depend_on_how_many_at_once(
        self, family: Family, settings: GanFamily, n: int, trained: Trained
    ) -> None:
        generator, label = trained.gan.generator, 3 if family.conditional else 0
        images = draw(generator, settings.latent, label, n, seed=0)
        assert images.shape == (n, SIDE, SIDE)
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images, draw(generator, settings.latent, label, 130, seed=0)[:n])
