"""Generators and discriminators for small square faces, grey or in RGB.

Every generator is called as `generator(z, labels)` and every discriminator as `discriminator(images, labels)`; networks
that are told no labels ignore them. Shapes: z float32 (N, latent, 1, 1), images float32 (N, channels, side, side) in
[-1, 1], labels int64 (N,).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferlab.data.colour import GREY
from ferlab.data.images import SIDE
from ferlab.gan.layers import FoldedConvTranspose2d, UnfoldedConv2d
from ferlab.params import GanFamily

LEAK = 0.2  # Radford, Metz & Chintala 2015, section 3
INIT_STD = 0.02  # likewise
DOUBLINGS = 2**4  # of the side, in four layers


class Generator(nn.Module):
    """Radford's generator: batch norm but for the output, tanh. Four doublings give the side, 48x48 of a 3x3 start.

    Args:
        side: of its images, in pixels: a multiple of 16.
        n_labels: number of labels that it is told, as one-hot numbers after z (Mirza & Osindero 2014); 0 for none.
        channels: of its images, 1 (grey) or 3 (RGB).
    """

    def __init__(self, settings: GanFamily, n_labels: int = 0, side: int = SIDE, channels: int = GREY) -> None:
        super().__init__()
        self.n_labels = n_labels
        c = settings.base_channels
        self.layers = nn.Sequential(
            FoldedConvTranspose2d(settings.latent + n_labels, 8 * c, side // DOUBLINGS, 1, 0, bias=False),
            nn.BatchNorm2d(8 * c),
            nn.ReLU(inplace=True),
            *_up(8 * c, 4 * c, FoldedConvTranspose2d),
            *_up(4 * c, 2 * c),
            *_up(2 * c, c),
            nn.ConvTranspose2d(c, channels, 4, 2, 1),
            nn.Tanh(),
        )
        self.apply(radford_init)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        images: Tensor = self.layers(_with_labels(z, labels, self.n_labels))
        return images


class Discriminator(nn.Module):
    """Radford's discriminator: strided convolutions, LeakyReLU, a norm but for the input; returns logits (N,).

    Args:
        n_labels: number of labels that it is told, as that many constant maps beside the image; 0 for none.
        channels: of the images, 1 (grey) or 3 (RGB).
    """

    def __init__(self, settings: GanFamily, n_labels: int = 0, side: int = SIDE, channels: int = GREY) -> None:
        super().__init__()
        self.n_labels = n_labels
        c, norm = settings.base_channels, settings.critic_norm
        self.layers = nn.Sequential(
            nn.Conv2d(channels + n_labels, c, 4, 2, 1),
            nn.LeakyReLU(LEAK, inplace=True),
            *_down(c, 2 * c, norm),
            *_down(2 * c, 4 * c, norm),
            *_down(4 * c, 8 * c, norm, UnfoldedConv2d),
            UnfoldedConv2d(8 * c, 1, side // DOUBLINGS, 1, 0),
        )
        self.apply(radford_init)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        logits: Tensor = self.layers(_with_labels(images, labels, self.n_labels)).flatten()
        return logits


def _with_labels(maps: Tensor, labels: Tensor, n_labels: int) -> Tensor:
    """Put one constant map a label after the channels: 1 for an image's own label, 0 for others."""
    if not n_labels:
        return maps
    one_hot = F.one_hot(labels, n_labels).to(maps.dtype)
    return torch.cat([maps, one_hot[:, :, None, None].expand(-1, -1, *maps.shape[2:])], dim=1)


def _up(before: int, after: int, layer: type[nn.ConvTranspose2d] = nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    convolution = layer(before, after, 4, 2, 1, bias=False)
    return convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)


def _down(before: int, after: int, norm: str, layer: type[nn.Conv2d] = nn.Conv2d) -> tuple[nn.Module, ...]:
    convolution = layer(before, after, 4, 2, 1, bias=False)
    return convolution, _norm(norm, after), nn.LeakyReLU(LEAK, inplace=True)


def _norm(name: str, channels: int) -> nn.Module:
    """Layer norm is over all channels and positions, with a scale and shift a channel, as in Gulrajani's own code."""
    if name == "batch":
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(1 if name == "layer" else channels, channels)


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
    """uint8 (N, side, side) in 0-255 to float32 (N, 1, side, side) in [-1, 1]; or float64, torch's default then.

    RGB, uint8 (N, side, side, 3), becomes (N, 3, side, side).
    """
    planes = images.unsqueeze(1) if images.ndim == 3 else images.permute(0, 3, 1, 2).contiguous()
    return planes.to(torch.get_default_dtype()) / 127.5 - 1.0


def to_pixels(images: Tensor) -> Tensor:
    """float32 (N, 1, side, side) in [-1, 1] to uint8 (N, side, side) in 0-255, rounded; RGB to (N, side, side, 3)."""
    planes = images.squeeze(1) if images.shape[1] == GREY else images.permute(0, 2, 3, 1)
    return ((planes + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
