"""Steps on a GPU: captured and replayed against launched one by one, alone and packed.

    python benchmarks/gpu.py [--steps 200] [--packs 1 4 8 16] [--compiled] [--only packs networks …]

Prints, on drawn noise (speed doesn't depend on what is shown), for networks at full width, 48 px and batch 128:
milliseconds a step as the plain loop makes it (each kernel launched by the host, the loss read every step) and as a
graph, with deterministic kernels or free ones, in float32 and bfloat16; steps a second of several trainings in one
process, against one alone; the same for GANs; seconds for nine evaluations in one process; and the losses after as
many steps in float32 eagerly and in bfloat16 as graphs, over seeds.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, stdev
from threading import Barrier
from unittest.mock import patch

import numpy as np
import torch

from ferlab.classifiers.architectures import build
from ferlab.classifiers.inference import probabilities
from ferlab.classifiers.step import Step
from ferlab.gan.families import FAMILIES
from ferlab.gan.networks import to_network
from ferlab.gan.pair import AdversarialPair
from ferlab.gan.step import Step as GanStep
from ferlab.params import NetworkClassifier, load
from ferlab.training.graph import Work, own_stream
from ferlab.training.seeding import permutation, seeded, set_up

BATCH, BATCHES, CLASSES = 128, 50, 7
TEST = 3589  # images of FER-2013's test split
PARAMS = load(Path("params.yaml"))


def _plainly(device: str, work: Work, held: object, generators: object = (), prepare: Work = lambda: None) -> Work:
    """In the place of `step_on`: the work as it is."""
    prepare()
    return work


@contextmanager
def one_by_one(wanted: bool) -> Iterator[None]:
    """Steps are launched kernel by kernel inside, if wanted."""
    if not wanted:
        yield
        return
    with (
        patch("ferlab.classifiers.step.step_on", _plainly),
        patch("ferlab.gan.step.step_on", _plainly),
    ):
        yield


def faces(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 (n, 48, 48) noise, brighter where the label is higher, and int64 (n,) labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    images = rng.integers(0, 128, (n, 48, 48)) + 16 * labels[:, None, None]
    return torch.from_numpy(images.astype(np.uint8)), torch.from_numpy(labels)


def settings_of(name: str, **changes: object) -> NetworkClassifier:
    settings = PARAMS.classifiers[name]
    assert isinstance(settings, NetworkClassifier)
    norm = {"batch_norm": True} if name == "vgg16" else {}
    return settings.model_copy(update={"width": 1.0, "batch_size": BATCH, **norm, **changes})


class Network:
    """One training of a network."""

    def __init__(self, name: str, seed: int = 0, **changes: object) -> None:
        settings = settings_of(name, **changes)
        with seeded(seed):
            model = build(settings, CLASSES).to(memory_format=torch.channels_last)
        self.seed, self.count = seed, 0
        self.step = Step(model, settings, *faces(BATCH * BATCHES), seed, "cuda")
        model.train()

    def run(self, steps: int, *, look: bool = False, rate: float = 0.01) -> None:
        for _ in range(steps):
            if self.count % BATCHES == 0:
                order = permutation(BATCH * BATCHES, self.seed, "order", self.count // BATCHES)
                self.step.begin_epoch(order, 0, BATCHES)
            self.step(rate)
            self.count += 1
            if look:
                self.step.loss_sum.item()
        self.step.loss_sum.item()


class Gan:
    """One training of a GAN of one expression, with the paper's settings."""

    def __init__(self, family: str, seed: int = 0) -> None:
        settings = PARAMS.gan.families[family].model_copy(update={"base_channels": 64})
        images, _ = faces(settings.batch_size * BATCHES)
        pair = AdversarialPair(FAMILIES[family], settings, CLASSES, seed, "cuda")
        self.images, self.count = len(images), 0
        self.step = GanStep(pair, to_network(images), torch.zeros(len(images), dtype=torch.int64))

    def run(self, steps: int, *, look: bool = False) -> None:
        for _ in range(steps):
            if self.count % BATCHES == 0:
                self.step.begin_epoch(permutation(self.images, 0, "order", self.count // BATCHES), self.count)
            self.step(self.count)
            self.count += 1
            if look:
                self.step.sums()
        self.step.sums()


def seconds(call: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def pace(make: Callable[[], "Network | Gan"], steps: int, *, eager: bool) -> tuple[float, float]:
    """Milliseconds a step, and seconds until the first ten were made."""
    with one_by_one(eager), own_stream("cuda"):
        training = make()
        first = seconds(lambda: training.run(10, look=eager))
        return 1000 * seconds(lambda: training.run(steps, look=eager)) / steps, first


def compare(name: str, make: Callable[[], "Network | Gan"], steps: int) -> None:
    eager, graphed = pace(make, steps // 4, eager=True), pace(make, steps, eager=False)
    print(
        f"{name}: one by one {eager[0]:.2f} ms a step, graph {graphed[0]:.2f} ms: {eager[0] / graphed[0]:.1f}x "
        f"(first ten steps {eager[1]:.1f} s and {graphed[1]:.1f} s)",
        flush=True,
    )


def networks(steps: int, compiled: bool) -> None:
    for name in ("resnet50", "vgg16"):
        for deterministic in (True, False):
            for amp in (False, True):
                kind = f"{name}, {'deterministic' if deterministic else 'free'}, {'bfloat16' if amp else 'float32'}"
                compare(kind, lambda n=name, d=deterministic, a=amp: Network(n, deterministic=d, amp=a), steps)
        if compiled:
            kind = f"{name}, free, bfloat16, compiled"
            ms, first = pace(
                lambda n=name: Network(n, deterministic=False, amp=True, compile="default"), steps, eager=False
            )
            print(f"{kind}: graph {ms:.2f} ms a step (first ten steps {first:.1f} s)", flush=True)


def packs(name: str, make: Callable[[int], "Network | Gan"], sizes: Sequence[int], steps: int) -> None:
    """Print the pace of so many trainings together, and its ratio to the first of these sizes."""
    first = None
    for size in sizes:
        rate, warm = together(make, size, steps)
        first = first or rate
        memory = torch.cuda.max_memory_allocated() / 2**30
        print(
            f"pack of {size} {name}: {rate:.0f} steps a second, {rate / first:.1f}x of {sizes[0]} "
            f"(ready after {warm:.1f} s, {memory:.1f} GiB)",
            flush=True,
        )
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def together(make: Callable[[int], "Network | Gan"], size: int, steps: int) -> tuple[float, float]:
    """Steps a second of trainings side by side, and seconds until all were ready."""
    trainings = [make(seed) for seed in range(size)]
    ready = Barrier(size + 1)

    def work(training: "Network | Gan") -> None:
        with own_stream("cuda"):
            training.run(10)
            ready.wait()
            ready.wait()
            training.run(steps)

    with ThreadPoolExecutor(size) as threads:
        began = time.perf_counter()
        running = [threads.submit(work, training) for training in trainings]
        ready.wait()
        warm = time.perf_counter() - began
        ready.wait()
        spent = seconds(lambda: [one.result() for one in running])
    return size * steps / spent, warm


def evaluation() -> None:
    images, _ = faces(TEST)
    models = [build(settings_of("resnet50"), CLASSES).to("cuda", memory_format=torch.channels_last) for _ in range(9)]
    probabilities(models[0], images, 48)
    spent = seconds(lambda: [probabilities(model, images, 48) for model in models])
    print(f"nine evaluations of {TEST} images in one process: {spent:.2f} s", flush=True)


def losses(steps: int) -> None:
    found = {}
    for name, eager, amp in (("one by one, float32", True, False), ("graph, bfloat16", False, True)):
        ends = []
        for seed in range(3):
            with one_by_one(eager), own_stream("cuda"):
                training = Network("resnet50", seed, amp=amp, deterministic=True)
                training.run(steps)
                training.step.loss_sum.zero_()
                training.run(20)
                ends.append(training.step.loss_sum.item() / 20)
        found[name] = ends
        print(f"loss after {steps} steps, {name}: {mean(ends):.4f}, SD over seeds {stdev(ends):.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--packs", type=int, nargs="*", default=[1, 4, 8, 16])
    parser.add_argument("--compiled", action="store_true")
    parts = ["networks", "gans", "packs", "evaluation", "losses"]
    parser.add_argument("--only", nargs="*", choices=parts, default=parts)
    arguments = parser.parse_args()
    set_up(1)
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}, cuDNN {torch.backends.cudnn.version()}")
    if "packs" in arguments.only:
        for deterministic in (False, True):
            kind = f"resnet50, {'deterministic' if deterministic else 'free'}, bfloat16"
            packs(
                kind,
                lambda seed, d=deterministic: Network("resnet50", seed, amp=True, deterministic=d),
                arguments.packs,
                arguments.steps,
            )
        for family in ("dcgan", "wgan_gp"):
            packs(family, lambda seed, f=family: Gan(f, seed), arguments.packs, arguments.steps)
    if "networks" in arguments.only:
        networks(arguments.steps, arguments.compiled)
    if "gans" in arguments.only:
        for family in ("dcgan", "wgan_gp"):
            compare(f"{family} at the paper's setting", lambda f=family: Gan(f), arguments.steps)
    if "evaluation" in arguments.only:
        evaluation()
    if "losses" in arguments.only:
        losses(arguments.steps)


if __name__ == "__main__":
    main()
