"""On a GPU: steps as graphs against the same steps launched one by one, alone and beside others, whole and resumed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.cnn import Cnn
from ferlab.data.labels import FER_CLASSES
from ferlab.errors import UserError
from ferlab.gan.families import FAMILIES
from ferlab.gan.fit import fit
from ferlab.params import NetworkClassifier
from ferlab.training.checkpoint import FILE, Checkpoints, load_state
from ferlab.training.graph import own_stream
from ferlab.training.observe import ignore
from ferlab.training.seeding import set_up
from small import UNCHANGED, Dying, KilledError, barred, gan, network, vgg

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
    pytest.mark.filterwarnings("ignore:This instance was constructed with capturable=True"),
]

PLAIN, VALID = barred(5), barred(2, seed=1, split="valid")  # in eights: four whole batches and one of three
VOTES = np.random.default_rng(0).dirichlet(np.ones(7), len(PLAIN)).astype(np.float32)
TRAIN = replace(PLAIN, votes=VOTES)
BATCHES = 5
NETWORKS: dict[str, Callable[..., NetworkClassifier]] = {
    "resnet50": lambda **changes: network(width=0.25, **changes),
    "vgg16": lambda **changes: vgg(width=0.25, batch_norm=True, **changes),
    "vgg16-plain": lambda **changes: vgg(width=0.25, **changes),
    "resnet50-votes": lambda **changes: network(width=0.25, targets="votes", **changes),
    "resnet50-drawn": lambda **changes: network(width=0.25, targets="drawn", **changes),
}


@pytest.fixture(autouse=True)
def deterministic() -> None:
    set_up(1)


def train(
    folder: Path, settings: NetworkClassifier, device: str = "cuda", writes: int | None = None, seed: int = 0
) -> tuple[bytes, list[dict[str, float]]]:
    """The finished checkpoint and the curve; of a training killed after so many writes and gone on with, if asked."""
    plan = TrainingPlan(seed, device)
    if writes:
        with pytest.raises(KilledError):
            Cnn(settings).fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Dying(folder, writes))
    found = Cnn(settings).fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Checkpoints(folder, 1e9))
    return (folder / FILE).read_bytes(), found.history


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and steps are launched one by one from then on."""

    def use() -> None:
        for place in ("ferlab.classifiers.step.step_on", "ferlab.gan.step.step_on"):
            monkeypatch.setattr(place, lambda device, work, *_: work)

    return use


@pytest.mark.parametrize("amp", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_graph_does_what_its_calls_do(name: str, amp: bool, tmp_path: Path, eager: Callable[[], None]) -> None:
    """Weights, momentum, norms, dropout's generator and curve, to the last bit."""
    settings = NETWORKS[name](amp=amp)
    graphed = train(tmp_path / "graphed", settings)
    eager()
    assert train(tmp_path / "eager", settings) == graphed


@pytest.mark.parametrize("name", NETWORKS)
def test_resumed_anywhere_it_ends_the_same(name: str, tmp_path: Path) -> None:
    settings = NETWORKS[name]()
    straight = train(tmp_path / "straight", settings)
    for writes in (1, 2, BATCHES - 1, BATCHES, BATCHES + 1, 2 * BATCHES, 2 * BATCHES + 1):
        assert train(tmp_path / f"{writes}", settings, writes=writes) == straight, writes


def test_beside_others_it_ends_as_alone(tmp_path: Path) -> None:
    """Different networks and seeds on threads of one process, each on a stream of its own."""
    jobs = [(name, seed) for seed in (0, 1) for name in NETWORKS]
    alone = [train(tmp_path / f"a-{name}-{seed}", NETWORKS[name](epochs=6), seed=seed) for name, seed in jobs]
    with ThreadPoolExecutor(len(jobs)) as threads:
        beside = threads.map(
            lambda job: train(tmp_path / f"b-{job[0]}-{job[1]}", NETWORKS[job[0]](epochs=6), seed=job[1]), jobs
        )
        assert list(beside) == alone


def test_a_seed_means_the_same_faces_on_every_device(tmp_path: Path) -> None:
    """First losses agree to rounding, so order and augmentation are the same; dropout isn't among them."""
    settings = network(width=0.25, epochs=1, lr=1e-4)
    (_, [on_gpu]), (_, [on_cpu]) = train(tmp_path / "g", settings), train(tmp_path / "c", settings, "cpu")
    assert on_gpu["train_loss"] == pytest.approx(on_cpu["train_loss"], rel=1e-3)


def test_probabilities_are_those_of_a_cpu(tmp_path: Path) -> None:
    settings = network(width=0.25, augmentation=UNCHANGED)
    classifier = Cnn(settings)
    plan = TrainingPlan(0, "cuda")
    classifier.fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Checkpoints(tmp_path, 1e9))
    on_gpu = classifier.predict_proba(VALID.images)
    classifier.model.cpu()
    np.testing.assert_allclose(on_gpu, classifier.predict_proba(VALID.images), atol=2e-3)
    assert on_gpu.shape == (len(VALID), len(FER_CLASSES))


def test_a_loss_that_is_not_finite_is_seen(tmp_path: Path) -> None:
    """Though the host looks at it only now and then; the last checkpoint is finite."""
    settings = network(lr=10.0, schedule="constant", epochs=20, augmentation=UNCHANGED)
    with pytest.raises(UserError, match="no longer finite"):
        Cnn(settings).fit(TRAIN, VALID, TrainingPlan(0, "cuda"), observe=ignore, checkpoints=Checkpoints(tmp_path, 0))
    if (tmp_path / FILE).exists():
        state = load_state(tmp_path / FILE)
        assert all(value.isfinite().all() for value in state["network"]["module"].values())


GANS: dict[str, dict[str, Any]] = {
    "dcgan": {},
    "wgan_gp": {"beta1": 0.0, "critic_steps": 5, "critic_norm": "layer", "penalty": 10.0},
    "cgan": {"beta1": 0.0, "critic_steps": 5, "critic_norm": "layer", "penalty": 10.0},
    "cgan_plain": {},
}


def train_gan(
    name: str, folder: Path, seed: int = 0, writes: int | None = None
) -> tuple[bytes, list[dict[str, float]]]:
    """As `train`, of a GAN on 35 images in eights."""
    conditional = FAMILIES[name].conditional

    def run(checkpoints: Checkpoints, observe: Any = ignore) -> Any:
        return fit(
            FAMILIES[name],
            gan(base_channels=8, batch_size=8, epochs=4, **GANS[name]),
            torch.from_numpy(TRAIN.images),
            torch.from_numpy(TRAIN.labels) % 2 * conditional,
            classes=("happy", "sad")[: 1 + conditional],
            seed=seed,
            device="cuda",
            observe=observe,
            checkpoints=checkpoints,
        )

    if writes:
        with pytest.raises(KilledError):
            run(Dying(folder, writes))
    history = run(Checkpoints(folder, 1e9)).history
    return (folder / FILE).read_bytes(), history


@pytest.mark.parametrize("name", GANS)
def test_a_gans_graphs_do_what_their_calls_do(name: str, tmp_path: Path, eager: Callable[[], None]) -> None:
    graphed = train_gan(name, tmp_path / "graphed")
    eager()
    assert train_gan(name, tmp_path / "eager") == graphed


@pytest.mark.parametrize("name", GANS)
def test_a_gan_resumed_anywhere_ends_the_same(name: str, tmp_path: Path) -> None:
    straight = train_gan(name, tmp_path / "straight")
    for writes in (1, BATCHES - 1, BATCHES, BATCHES + 1, 3 * BATCHES + 2):
        assert train_gan(name, tmp_path / f"{writes}", writes=writes) == straight, writes


def test_gans_beside_each_other_end_as_alone(tmp_path: Path) -> None:
    """Again and again: what one training could do to another depends on how their kernels fall together."""
    names, seeds = [*GANS] * 3, [seed for seed in (0, 1, 2) for _ in GANS]
    jobs = list(zip(names, seeds, strict=True))
    alone = [train_gan(name, tmp_path / f"a-{name}-{seed}", seed) for name, seed in jobs]
    for again in ("b", "c", "d"):
        places = [tmp_path / f"{again}-{name}-{seed}" for name, seed in jobs]
        with ThreadPoolExecutor(len(jobs)) as threads:
            beside = list(threads.map(train_gan, names, places, seeds))
        assert [job for job, one, other in zip(jobs, beside, alone, strict=True) if one != other] == [], again


def test_a_stream_belongs_to_one_training_at_a_time() -> None:
    """Also where one outlasts more of the others than torch has streams."""

    def stream() -> int:
        with own_stream("cuda"):
            return torch.cuda.current_stream().cuda_stream

    with own_stream("cuda"), ThreadPoolExecutor(1) as thread:
        ours = torch.cuda.current_stream().cuda_stream
        assert ours not in {thread.submit(stream).result() for _ in range(40)}


def test_a_gans_row_an_epoch_has_all_signals(tmp_path: Path) -> None:
    _, history = train_gan("wgan_gp", tmp_path)
    assert all(np.isfinite(list(row.values())).all() for row in history)
    assert {"slope", "critic_loss", "generator_loss"} <= history[-1].keys()
