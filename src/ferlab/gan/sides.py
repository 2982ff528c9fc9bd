"""The two sides of a GAN and one update of each."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from ferlab.errors import UserError
from ferlab.gan.families import Family
from ferlab.gan.networks import to_pixels
from ferlab.gan.objectives import gradient_penalty, slopes
from ferlab.params import GanFamily
from ferlab.training.checkpoint import restore
from ferlab.training.seeding import derive, random_generator, seeded


class Sides:
    """A generator and a critic with their optimisers and their noise. Their whole state is `state()`.

    Args:
        n_labels: number of labels that a conditional family is told.
        seed: decides first weights and noise.
    """

    def __init__(self, family: Family, settings: GanFamily, n_labels: int, seed: int, device: str) -> None:
        self.family, self.settings, self.device = family, settings, device
        with seeded(derive(seed, "weights")):
            maker, critic = family.networks(settings, n_labels)
        self.maker, self.critic = maker.to(device), critic.to(device)
        self.maker_optimizer, self.critic_optimizer = self._adam(self.maker), self._adam(self.critic)
        self.noise = random_generator(seed, "noise")

    def _adam(self, network: nn.Module) -> torch.optim.Adam:
        betas = (self.settings.beta1, self.settings.beta2)
        return torch.optim.Adam(network.parameters(), self.settings.lr, betas, fused=True)

    def update_critic(self, real: Tensor, labels: Tensor) -> tuple[dict[str, Tensor], Tensor | None]:
        """One step of the critic.

        Returns:
            What was measured: scalars `critic_loss` (penalty included), `wasserstein` (mean logit of real minus mean
            logit of fake images), `critic_accuracy` (share of real logits above and fake logits below 0),
            `critic_gradient` (norm over all weights) and, with a penalty, `slope` (mean norm of the critic's gradient
            between real and fake images; the penalty pulls it to 1).
            The fake images with their graph, if the generator is to answer to them, else None.
        """
        self.critic.requires_grad_(True)
        shared = self.settings.critic_steps == 1
        with torch.set_grad_enabled(shared):
            made = self._make(labels)
        fake = made.detach()
        if self.settings.critic_norm == "batch":  # batch norm must see real and fake images apart (Radford's numerics)
            on_real, on_fake = self.critic(real, labels), self.critic(fake, labels)
        else:
            on_real, on_fake = self.critic(torch.cat([real, fake]), labels.repeat(2)).chunk(2)
        loss = self.family.objective.critic(on_real, on_fake)
        measured = {
            "wasserstein": on_real.mean() - on_fake.mean(),
            "critic_accuracy": torch.cat([on_real > 0, on_fake < 0]).to(on_real.dtype).mean(),
        }
        if self.settings.penalty:
            share = torch.rand(len(real), 1, 1, 1, generator=self.noise).to(self.device)
            steepness = slopes(lambda images: self.critic(images, labels), real, fake, share)
            loss = loss + self.settings.penalty * gradient_penalty(steepness)
            measured["slope"] = steepness.mean()
        measured |= {"critic_loss": loss, "critic_gradient": self._step(self.critic, self.critic_optimizer, loss)}
        return _detached(measured), made if shared else None

    def update_maker(self, labels: Tensor, made: Tensor | None) -> dict[str, Tensor]:
        """One step of the generator on the images `made`, or on new ones. Returns its loss and its gradient's norm."""
        self.critic.requires_grad_(False)  # its weights need no gradients here
        loss = self.family.objective.generator(self.critic(self._make(labels) if made is None else made, labels))
        gradient = self._step(self.maker, self.maker_optimizer, loss)
        return _detached({"generator_loss": loss, "generator_gradient": gradient})

    def look(self, z: Tensor, labels: Tensor) -> NDArray[np.uint8]:
        """The images (N, 48, 48) that the generator makes of a given z, as sampling will; changes no state."""
        self.maker.eval()
        with torch.inference_mode():
            images: NDArray[np.uint8] = to_pixels(self.maker(z.to(self.device), labels.to(self.device))).cpu().numpy()
        self.maker.train()
        return images

    def state(self) -> dict[str, Any]:
        return {
            "generator": {"module": self.maker.state_dict(), "optimizer": self.maker_optimizer.state_dict()},
            "critic": {"module": self.critic.state_dict(), "optimizer": self.critic_optimizer.state_dict()},
            "noise": self.noise.get_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state.

        Raises:
            UserError: it belongs to another family, size or setting; or a part of it is missing or unusable.
        """
        try:
            restore(self.maker, self.maker_optimizer, state["generator"])
            restore(self.critic, self.critic_optimizer, state["critic"])
            self.noise.set_state(state["noise"])
        except (KeyError, TypeError, RuntimeError) as error:
            raise UserError(
                f"this checkpoint isn't one of this GAN: {error}", next_step="delete it to start afresh"
            ) from None

    def _make(self, labels: Tensor) -> Tensor:
        # drawn on the CPU, so that a seed means the same faces on every device
        z = torch.randn(len(labels), self.settings.latent, 1, 1, generator=self.noise).to(self.device)
        fake: Tensor = self.maker(z, labels)
        return fake

    @staticmethod
    def _step(network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = get_total_norm([weight.grad for weight in network.parameters() if weight.grad is not None])
        optimizer.step()
        return norm


def _detached(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in values.items()}
