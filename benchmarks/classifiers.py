"""Classifiers against the plain way: torchvision's networks, ImageFolder, transforms and DataLoader, torch's own SGD.

    python benchmarks/classifiers.py [--compiled] [--threads 2] [--steps 5]

Prints, on drawn noise (speed doesn't depend on what is shown): images a second of both input pipelines (the plain one
with its best number of workers), seconds a whole training step (input, forward, backward, update) at batch 32 of
ResNet-50 and VGG-16 at full width, their ratios, and the share of this machine's matmul peak that a step reaches.
Steps of both kinds are taken in turn, and medians are compared: a busy machine slows both.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode
from torchvision import transforms

from ferlab.classifiers.architectures import build
from ferlab.classifiers.augment import augment, draw_amounts
from ferlab.classifiers.inference import to_input
from ferlab.classifiers.optimise import sgd
from ferlab.params import Augmentation, NetworkClassifier, load

BATCH, SIDE, FILES = 32, 48, 2048
AUGMENTATION = Augmentation(rotation=10, translation=0.08, crop=1.0, flip=True)

Batches = Iterator[tuple[Tensor, Tensor]]


def plain_batches(folder: Path, workers: int) -> Batches:
    """What most repositories for these faces do."""
    steps = transforms.Compose(
        [
            transforms.RandomHorizontalFlip(),
            transforms.RandomAffine(10, translate=(0.08, 0.08), interpolation=transforms.InterpolationMode.BILINEAR),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.25] * 3),
        ]
    )
    data = torchvision.datasets.ImageFolder(str(folder), steps)
    loader = DataLoader(data, BATCH, shuffle=True, num_workers=workers, drop_last=True)
    while True:
        yield from loader


def our_batches() -> Batches:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (FILES, SIDE, SIDE), dtype=np.uint8))
    labels, rng = torch.arange(FILES) % 7, torch.Generator().manual_seed(0)
    while True:
        for chosen in torch.randperm(FILES, generator=rng).split(BATCH):
            batch = augment(to_input(images[chosen], SIDE), AUGMENTATION, draw_amounts(len(chosen), rng), SIDE)
            yield batch.contiguous(memory_format=torch.channels_last), labels[chosen]


def write_files(folder: Path) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (FILES, SIDE, SIDE), dtype=np.uint8)
    for i, face in enumerate(faces):
        place = folder / str(i % 7)
        place.mkdir(exist_ok=True)
        Image.fromarray(face).save(place / f"{i}.jpg", quality=95)


def images_a_second(batches: Batches, number: int) -> float:
    next(batches)  # workers start here
    started = time.perf_counter()
    for _ in range(number):
        next(batches)
    return number * BATCH / (time.perf_counter() - started)


def step(call: Callable[[Tensor], Tensor], optimizer: torch.optim.Optimizer, batches: Batches) -> float:
    started = time.perf_counter()
    images, labels = next(batches)
    loss = F.cross_entropy(call(images), labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    loss.item()
    return time.perf_counter() - started


def peak() -> float:
    """FLOP a second of a large float32 matrix product: the best of five."""
    a, b, best = torch.rand(2048, 2048), torch.rand(2048, 2048), float("inf")
    for _ in range(5):
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return 2 * 2048**3 / best


def flops(model: nn.Module) -> int:
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(BATCH, 1, SIDE, SIDE)).sum().backward()
    return counter.get_total_flops()


def compare(name: str, folder: Path, workers: int, steps: int, compiled: bool, best: float) -> None:
    settings = load(Path("params.yaml")).classifiers[name]
    assert isinstance(settings, NetworkClassifier)
    settings = settings.model_copy(update={"width": 1.0})
    plain = torchvision.models.get_model(name, weights=None, num_classes=7)
    model = build(settings, 7).to(memory_format=torch.channels_last)
    calls = [(plain, torch.optim.SGD(plain.parameters(), 0.01, momentum=0.9), plain_batches(folder, workers))]
    calls.append((torch.compile(model) if compiled else model, sgd(model, settings), our_batches()))
    seconds: list[list[float]] = [[], []]
    for i in range(steps + 1):
        for times, call in zip(seconds, calls, strict=True):
            spent = step(*call)
            if i:  # the first step of each warms up, and compiles
                times.append(spent)
    before, after = map(median, seconds)
    share = flops(model) / after / best
    how = "compiled" if compiled else "eager"
    print(
        f"{name} step, {how}: plain {before:.3f} s, ours {after:.3f} s: {before / after:.2f}x; {share:.0%} of the peak"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--networks", nargs="*", default=["resnet50", "vgg16"])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {platform.machine()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        rates = {workers: images_a_second(plain_batches(folder, workers), 60) for workers in (0, 1, 2, 3)}
        workers = max(rates, key=lambda n: rates[n])
        ours = images_a_second(our_batches(), 400)
        print(
            f"input: plain {rates[workers]:.0f} images/s ({workers} workers; "
            + ", ".join(f"{n}: {rate:.0f}" for n, rate in rates.items())
            + f"), ours {ours:.0f} images/s: {ours / rates[workers]:.1f}x"
        )
        best = peak()
        print(f"matmul peak: {best / 1e9:.0f} GFLOP/s")
        for network in arguments.networks:
            compare(network, folder, workers, arguments.steps, arguments.compiled, best)


if __name__ == "__main__":
    main()
