"""Augmentation of whole batches: rotation, translation (the paper's Experiment B), cropping and mirroring."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ferlab.params import Augmentation

AMOUNTS = 7  # random numbers an image, whatever the settings are


def draw_amounts(n: int, rng: torch.Generator) -> Tensor:
    """float32 (7, n) in [0, 1): by how much each of n images is augmented. From a CPU generator, on the CPU."""
    return torch.rand(AMOUNTS, n, generator=rng)


def augment(images: Tensor, settings: Augmentation, amounts: Tensor, side: int) -> Tensor:
    """Rotate, shift, crop and mirror each image of a batch by its own amounts, and bring it to a size.

    All of it is one bilinear sampling. What leaves the picture is replaced by the nearest border pixel.

    Args:
        images: float32 (N, channels, H, W), any range. All channels of an image move together.
        settings: largest rotation in degrees, largest shift as a share of the side, smallest share of the side that a
            crop keeps (uniform from there to 1, anywhere inside the picture, enlarged to the whole), whether to mirror.
        amounts: float32 (7, N) of `draw_amounts`, on the images' device.
        side: of the output.

    Returns:
        float32 (N, channels, side, side).
    """
    n = len(images)
    turn, right, down, mirror, size, x, y = amounts
    if not (settings.rotation or settings.translation or settings.flip or settings.crop < 1):
        if side == images.shape[-1]:
            return images
        return F.interpolate(images, (side, side), mode="bilinear", align_corners=False)
    angle = (2 * turn - 1) * (settings.rotation * torch.pi / 180)
    flip = torch.where(mirror < 0.5, -1.0, 1.0) if settings.flip else torch.ones_like(mirror)
    kept = 1 - size * (1 - settings.crop)
    # affine_grid maps output to input positions; its coordinates run from -1 to 1, hence the shift's factor of 2
    theta = torch.empty(n, 2, 3, device=images.device)
    theta[:, 0, 0], theta[:, 0, 1] = kept * flip * angle.cos(), -kept * flip * angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = kept * angle.sin(), kept * angle.cos()
    theta[:, 0, 2] = (2 * right - 1) * 2 * settings.translation + (2 * x - 1) * (1 - kept)
    theta[:, 1, 2] = (2 * down - 1) * 2 * settings.translation + (2 * y - 1) * (1 - kept)
    grid = F.affine_grid(theta, [n, 1, side, side], align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
