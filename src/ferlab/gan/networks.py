"""Generators and critics for 48x48 grey faces.

Every generator is called as `generator(z, labels)` and every critic as `critic(images, labels)`; networks that know no
labels ignore them. Shapes: z float32 (N, latent, 1, 1), images float32 (N, 1, 48, 48) in [-1, 1], labels int64 (N,).
"""

import torch
from torch import Tensor, nn

from ferlab.params import GanFamily

LEAK = 0.2  # Radford, Metz & Chintala 2015, section 3
INIT_STD = 0.02  # likewise


class DcganGenerator(nn.Module):
    """Radford's generator with a 3x3 start, so that four doublings give 48x48: batch norm but for the output, tanh."""

    def __init__(self, settings: GanFamily) -> None:
        super().__init__()
        c = settings.base_channels
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(settings.latent, 8 * c, 3, 1, 0, bias=False),
            nn.BatchNorm2d(8 * c),
            nn.ReLU(inplace=True),
            *_up(8 * c, 4 * c),
            *_up(4 * c, 2 * c),
            *_up(2 * c, c),
            nn.ConvTranspose2d(c, 1, 4, 2, 1),
            nn.Tanh(),
        )
        self.apply(radford_init)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        images: Tensor = self.layers(z)
        return images


class DcganCritic(nn.Module):
    """Radford's discriminator: strided convolutions, LeakyReLU, batch norm but for the input; returns logits (N,)."""

    def __init__(self, settings: GanFamily) -> None:
        super().__init__()
        c = settings.base_channels
        self.layers = nn.Sequential(
            nn.Conv2d(1, c, 4, 2, 1),
            nn.LeakyReLU(LEAK, inplace=True),
            *_down(c, 2 * c),
            *_down(2 * c, 4 * c),
            *_down(4 * c, 8 * c),
            nn.Conv2d(8 * c, 1, 3, 1, 0),
        )
        self.apply(radford_init)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        logits: Tensor = self.layers(images).flatten()
        return logits


def _up(before: int, after: int) -> tuple[nn.Module, ...]:
    convolution = nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)
    return convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)


def _down(before: int, after: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(before, after, 4, 2, 1, bias=False)
    return convolution, nn.BatchNorm2d(after), nn.LeakyReLU(LEAK, inplace=True)


def radford_init(module: nn.Module) -> None:
    """Draw a layer's weights as Radford does: convolutions N(0, 0.02), batch norm scales N(1, 0.02), biases 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, INIT_STD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, INIT_STD)
        nn.init.zeros_(module.bias)


def to_network(images: Tensor) -> Tensor:
    """uint8 (N, 48, 48) in 0-255 to float32 (N, 1, 48, 48) in [-1, 1]."""
    return images.unsqueeze(1).float() / 127.5 - 1.0


def to_pixels(images: Tensor) -> Tensor:
    """float32 (N, 1, 48, 48) in [-1, 1] to uint8 (N, 48, 48) in 0-255, rounded."""
    return ((images.squeeze(1) + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
