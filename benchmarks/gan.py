"""Images a second of our GAN loop against plain loops, at the paper's batch sizes and sizes of networks.

Prints the ratio of best times, measured in turns in one process, and the share of the machine's matrix product peak.
`plain dcgan` is written as PyTorch's official DCGAN example is, `plain wgan_gp` as Gulrajani's algorithm 1 reads.

    python benchmarks/gan.py [--threads 2] [--rounds 5] [family ...]
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ferlab.gan.families import FAMILIES
from ferlab.gan.layers import FoldedConvTranspose2d, UnfoldedConv2d
from ferlab.gan.pair import AdversarialPair
from ferlab.params import GanFamily, load
from ferlab.training.seeding import set_up

ROOT = Path(__file__).parents[1]


def with_torchs_layers(network: nn.Module) -> nn.Module:
    """The same network with torch's own convolutions where ours are matrix products."""
    for layer in network.modules():
        if isinstance(layer, UnfoldedConv2d | FoldedConvTranspose2d):
            layer.__class__ = nn.Conv2d if isinstance(layer, UnfoldedConv2d) else nn.ConvTranspose2d
    return network


class Plain:
    """A loop without any of our savings."""

    def __init__(self, family: str, settings: GanFamily) -> None:
        self.settings, self.minimax = settings, family in ("dcgan", "cgan_plain")
        self.generator, self.discriminator = map(with_torchs_layers, FAMILIES[family].networks(settings, 7))
        betas = (settings.beta1, settings.beta2)
        self.generator_adam = torch.optim.Adam(self.generator.parameters(), lr=settings.lr, betas=betas)
        self.discriminator_adam = torch.optim.Adam(self.discriminator.parameters(), lr=settings.lr, betas=betas)
        self.cross = nn.BCEWithLogitsLoss()

    def noise(self, n: int) -> Tensor:
        return torch.randn(n, self.settings.latent, 1, 1)

    def round(self, real: Tensor, labels: Tensor) -> None:
        """As many discriminator steps as the setting says, then one of the generator."""
        n, settings = len(real), self.settings
        for _ in range(settings.critic_steps):
            fake = self.generator(self.noise(n), labels)
            self.discriminator_adam.zero_grad()
            if self.minimax:
                on_real = self.cross(self.discriminator(real, labels), torch.ones(n))
                on_real.backward()
                on_fake = self.cross(self.discriminator(fake.detach(), labels), torch.zeros(n))
                on_fake.backward()
                loss = on_real + on_fake
            else:
                fake = fake.detach()
                point = torch.lerp(fake, real, torch.rand(n, 1, 1, 1)).requires_grad_()
                slope = torch.autograd.grad(self.discriminator(point, labels).sum(), point, create_graph=True)[0]
                penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
                distance = self.discriminator(real, labels).mean() - self.discriminator(fake, labels).mean()
                loss = settings.penalty * penalty - distance
                loss.backward()
            self.discriminator_adam.step()
            loss.item()
        if settings.critic_steps > 1:
            fake = self.generator(self.noise(n), labels)
        self.generator_adam.zero_grad()
        answer = self.discriminator(fake, labels)
        loss = self.cross(answer, torch.ones(n)) if self.minimax else -answer.mean()
        loss.backward()
        self.generator_adam.step()
        loss.item()


def ours(pair: AdversarialPair, real: Tensor, labels: Tensor) -> None:
    """The same round, as `ferlab.gan.fit` makes it."""
    for turn in range(1, pair.settings.critic_steps + 1):
        noise = pair.draw(len(real), generator_too=turn == pair.settings.critic_steps)
        measured, generated = pair.update_discriminator(real, labels, noise)
        if turn == pair.settings.critic_steps:
            measured |= pair.update_generator(labels, generated, noise)
        torch.stack(list(measured.values())).tolist()


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak() -> float:
    """FLOP a second of a large matrix product: the best of ten."""
    a = torch.randn(1536, 1536)
    return 2 * 1536**3 / min(seconds(lambda: a @ a) for _ in range(10))


def flops(call: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each loop; the best counts")
    asked = parser.parse_args()
    set_up(asked.threads)
    params = load(ROOT / "params.yaml")
    top = peak()
    print(f"peak {top / 1e9:.0f} GFLOP/s on {asked.threads} threads")
    for family in asked.families:
        settings = params.gan.families[family].model_copy(update={"base_channels": 64, "lr": 1e-4})
        n = settings.batch_size
        real, labels = torch.rand(n, 1, 48, 48) * 2 - 1, torch.arange(n) % 7
        plain, pair = Plain(family, settings), AdversarialPair(FAMILIES[family], settings, 7, 0, "cpu")
        calls = {"plain": partial(plain.round, real, labels), "ours": partial(ours, pair, real, labels)}
        calls["plain"]()
        calls["ours"]()
        # torch's counter can't follow a gradient of a gradient
        work = None if settings.penalty else flops(calls["ours"])
        times: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(asked.rounds):
            for name, call in calls.items():
                times[name].append(seconds(call))
        best = {name: min(values) for name, values in times.items()}
        images = settings.critic_steps * n
        share = f"; {work / best['ours'] / top:.0%} of the peak" if work else ""
        print(
            f"{family}: plain {images / best['plain']:.1f}, ours {images / best['ours']:.1f} images a second, "
            f"ratio {best['plain'] / best['ours']:.2f}{share}",
            flush=True,
        )


if __name__ == "__main__":
    main()
