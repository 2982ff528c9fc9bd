"""Two trainings one after the other on two threads each, against both at once on one thread each.

    python benchmarks/side_by_side.py [--steps 100]

Prints, for ResNet-50 and VGG-16 as the `cpu` budget has them (batch 32, 48 px), seconds a step of both ways and the
ratio: how many times faster a pipeline of many runs is with `ferlab reproduce --jobs 2` and `compute.threads: 1`.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch.nn import functional as F

from ferlab.classifiers.architectures import build
from ferlab.classifiers.optimise import sgd
from ferlab.params import NetworkClassifier, check
from ferlab.params.budgets import WHOLE, read_budget
from ferlab.yaml_file import overlay, read_yaml

ROOT = Path(__file__).parents[1]
BATCH, WARM_UP = 32, 10


def settings(name: str) -> NetworkClassifier:
    tree = read_yaml(ROOT / "params.yaml")
    overlay(tree, read_budget(ROOT, "cpu"), WHOLE)
    found = check(tree, "cpu").classifiers[name]
    assert isinstance(found, NetworkClassifier)
    return found


def train(name: str, threads: int, steps: int) -> None:
    """Print the seconds that a step takes."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = build(settings(name), 7).to(memory_format=torch.channels_last)
    optimiser = sgd(model, settings(name))
    images = torch.randn(BATCH, 1, 48, 48).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 7, (BATCH,))
    for step in range(WARM_UP + steps):
        if step == WARM_UP:
            started = time.perf_counter()
        optimiser.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimiser.step()
    print((time.perf_counter() - started) / steps)


def at_once(name: str, threads: int, processes: int, steps: int) -> float:
    """Seconds a step of the slowest of several processes, divided by their number."""
    command = [sys.executable, __file__, "--train", name, "--threads", str(threads), "--steps", str(steps)]
    env = os.environ | {"OMP_WAIT_POLICY": "passive"}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) for _ in range(processes)]
    return max(float(process.communicate()[0]) for process in running) / processes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--train", help="used by the program itself")
    options = parser.parse_args()
    if options.train:
        train(options.train, options.threads, options.steps)
        return
    for name in ("resnet50", "vgg16"):
        one, two = (
            min(at_once(name, threads, processes, options.steps) for _ in range(2))
            for threads, processes in ((2, 1), (1, 2))
        )
        told = f"{1000 * one:.0f} ms a step on two threads, {1000 * two:.0f} ms side by side"
        print(f"{name}: {told}, ratio {one / two:.2f}")


if __name__ == "__main__":
    main()
