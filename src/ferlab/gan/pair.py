"""A generator and a discriminator with their optimisers, and one update of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from ferlab.data.colour import GREY
from ferlab.data.images import SIDE
from ferlab.errors import UserError
from ferlab.gan.families import Family, networks_of
from ferlab.gan.networks import to_pixels
from ferlab.gan.objectives import gradient_norms, gradient_penalty
from ferlab.params import GanFamily
from ferlab.training.checkpoint import restore
from ferlab.training.seeding import derive, random_generator, seeded


@dataclass(frozen=True)
class Noise:
    """The random numbers of one step.

    Attributes:
        z: float32 (N, latent, 1, 1), normal; what the fake images are made of.
        alpha: float32 (N, 1, 1, 1) in [0, 1), where between real and fake images the penalty looks; None without one.
        anew: as `z`, of the images that the generator is updated on; None where it isn't, or answers to the former.
    """

    z: Tensor
    alpha: Tensor | None = None
    anew: Tensor | None = None


class AdversarialPair:
    """The two networks with their optimisers and their noise. Their whole state is `state()`.

    Args:
        n_labels: number of labels that a conditional family is told.
        seed: decides first weights and noise.
        side: of the images, in pixels.
        channels: of the images, 1 (grey) or 3 (RGB).
    """

    def __init__(
        self,
        family: Family,
        settings: GanFamily,
        n_labels: int,
        seed: int,
        device: str,
        side: int = SIDE,
        channels: int = GREY,
    ) -> None:
        self.family, self.settings, self.device = family, settings, device
        with seeded(derive(seed, "weights")):
            generator, discriminator = networks_of(family, settings, n_labels, side, channels)
        self.generator, self.discriminator = generator.to(device), discriminator.to(device)
        self.generator_optimizer = self._adam(self.generator)
        self.discriminator_optimizer = self._adam(self.discriminator)
        self.noise = random_generator(seed, "noise")

    def _adam(self, network: nn.Module) -> torch.optim.Adam:
        betas = (self.settings.beta1, self.settings.beta2)
        on_gpu = self.device == "cuda"  # where steps are captured
        return torch.optim.Adam(network.parameters(), self.settings.lr, betas, fused=True, capturable=on_gpu)

    def signals(self, *, generator_too: bool) -> tuple[str, ...]:
        """What is measured in a step: of the discriminator, and of the generator if it is updated too."""
        slope = ("slope",) if self.settings.penalty else ()
        critic = ("wasserstein", "critic_accuracy", *slope, "critic_loss", "critic_gradient")
        return critic + (("generator_loss", "generator_gradient") if generator_too else ())

    def draw(self, n: int, *, generator_too: bool) -> Noise:
        """The noise of the next step, for n images. Drawn on the CPU: a seed means the same faces on every device."""
        z = torch.randn(n, self.settings.latent, 1, 1, generator=self.noise)
        alpha = torch.rand(n, 1, 1, 1, generator=self.noise) if self.settings.penalty else None
        anew = generator_too and self.settings.critic_steps > 1
        return Noise(z, alpha, torch.randn(z.shape, generator=self.noise) if anew else None)

    def update_discriminator(
        self, real: Tensor, labels: Tensor, noise: Noise
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """One step of the discriminator. All tensors are on the device.

        Returns:
            What was measured: scalars `critic_loss` (penalty included), `wasserstein` (mean logit of real minus mean
            logit of fake images), `critic_accuracy` (share of real logits above and fake logits below 0),
            `critic_gradient` (norm over all weights) and, with a penalty, `slope` (mean norm of the gradient between
            real and fake images; the penalty pulls it to 1).
            The fake images with their graph, if the generator is to answer to them, else None.
        """
        self.discriminator.requires_grad_(True)
        shared = self.settings.critic_steps == 1
        with torch.set_grad_enabled(shared):
            generated: Tensor = self.generator(noise.z, labels)
        fake = generated.detach()
        on_real, on_fake = self._logits(real, fake, labels)
        loss = self.family.objective.discriminator(on_real, on_fake)
        measured = {
            "wasserstein": on_real.mean() - on_fake.mean(),
            "critic_accuracy": torch.cat([on_real > 0, on_fake < 0]).to(on_real.dtype).mean(),
        }
        if noise.alpha is not None:
            norms = gradient_norms(lambda images: self.discriminator(images, labels), real, fake, noise.alpha)
            loss = loss + self.settings.penalty * gradient_penalty(norms)
            measured["slope"] = norms.mean()
        gradient = self._step(self.discriminator, self.discriminator_optimizer, loss)
        measured |= {"critic_loss": loss, "critic_gradient": gradient}
        return _detached(measured), generated if shared else None

    def _logits(self, real: Tensor, fake: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if self.settings.critic_norm == "batch":  # batch norm must see real and fake images apart (Radford's numerics)
            return self.discriminator(real, labels), self.discriminator(fake, labels)
        on_real, on_fake = self.discriminator(torch.cat([real, fake]), labels.repeat(2)).chunk(2)
        return on_real, on_fake

    def update_generator(self, labels: Tensor, generated: Tensor | None, noise: Noise) -> dict[str, Tensor]:
        """One step of the generator on the images `generated`, or on new ones.

        Returns:
            Its loss `generator_loss` and `generator_gradient`, the norm over all weights.
        """
        self.discriminator.requires_grad_(False)  # its weights need no gradients here
        images = self.generator(noise.anew, labels) if generated is None else generated
        loss = self.family.objective.generator(self.discriminator(images, labels))
        gradient = self._step(self.generator, self.generator_optimizer, loss)
        return _detached({"generator_loss": loss, "generator_gradient": gradient})

    def sample(self, z: Tensor, labels: Tensor) -> NDArray[np.uint8]:
        """What the generator makes of a given z, in evaluation mode; changes no state.

        Returns:
            uint8 (N, side, side) or (N, side, side, 3).
        """
        self.generator.eval()
        with torch.inference_mode():
            images = to_pixels(self.generator(z.to(self.device), labels.to(self.device)))
        self.generator.train()
        pixels: NDArray[np.uint8] = images.cpu().numpy()
        return pixels

    def held(self) -> Iterator[Tensor]:
        """All tensors that an update changes, on the device."""
        for network in (self.generator, self.discriminator):
            yield from (*network.parameters(), *network.buffers())
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for values in optimizer.state.values():
                yield from (value for value in values.values() if isinstance(value, Tensor))

    def state(self) -> dict[str, Any]:
        return {
            "generator": {
                "module": self.generator.state_dict(),
                "optimizer": self.generator_optimizer.state_dict(),
            },
            "discriminator": {
                "module": self.discriminator.state_dict(),
                "optimizer": self.discriminator_optimizer.state_dict(),
            },
            "noise": self.noise.get_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state.

        Raises:
            UserError: it belongs to another family, size or setting; or a part of it is missing or unusable.
        """
        try:
            restore(self.generator, self.generator_optimizer, state["generator"])
            restore(self.discriminator, self.discriminator_optimizer, state["discriminator"])
            self.noise.set_state(state["noise"])
        except (KeyError, TypeError, RuntimeError) as error:
            raise UserError(
                f"this checkpoint isn't one of this GAN: {error}", next_step="delete it to start afresh"
            ) from None

    @staticmethod
    def _step(network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = get_total_norm([weight.grad for weight in network.parameters() if weight.grad is not None])
        optimizer.step()
        return norm


def _detached(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in values.items()}
