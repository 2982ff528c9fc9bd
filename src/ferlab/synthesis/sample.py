"""Drawing images from a trained generator."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ferlab.gan.networks import to_pixels
from ferlab.training.seeding import random_generator

CHUNK = 50  # images at once. Fixed: a convolution's last bits may depend on it, so it's no parameter


def draw(generator: nn.Module, latent: int, label: int, n: int, seed: int) -> NDArray[np.uint8]:
    """Draw n images of one label; the first k of them don't depend on n.

    Args:
        generator: in evaluation mode, called as `generator(z, labels)`.
        latent: length of z.
        label: what a conditional generator is told.

    Returns:
        uint8 (n, side, side), or (n, side, side, 3) in RGB, 0-255.
    """
    noise = random_generator(seed, "z")
    chunks = []
    with torch.inference_mode():
        for _ in range(0, max(n, 1), CHUNK):
            z = torch.randn(CHUNK, latent, 1, 1, generator=noise)
            chunks.append(to_pixels(generator(z, torch.full((CHUNK,), label))).numpy())
    images: NDArray[np.uint8] = np.concatenate(chunks)[:n]
    return images
