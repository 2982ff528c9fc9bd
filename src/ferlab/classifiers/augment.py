"""Augmentation of whole batches: rotation, translation (the paper's Experiment B) and mirroring."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ferlab.params import Augmentation


def augment(images: Tensor, settings: Augmentation, rng: torch.Generator) -> Tensor:
    """Rotate, shift and mirror each image of a batch by its own random amounts.

    What leaves the picture is replaced by the nearest border pixel.

    Args:
        images: float32 (N, 1, H, W), any range.
        settings: largest rotation in degrees, largest shift as a share of the side, whether to mirror.
        rng: a CPU generator; four numbers an image are drawn from it whatever the settings are.

    Returns:
        float32 (N, 1, H, W).
    """
    n = len(images)
    turn, right, down, mirror = torch.rand(4, n, generator=rng).to(images.device)
    angle = (2 * turn - 1) * (settings.rotation * torch.pi / 180)
    flip = torch.where(mirror < 0.5, -1.0, 1.0) if settings.flip else torch.ones_like(mirror)
    if not (settings.rotation or settings.translation or settings.flip):
        return images
    # affine_grid maps output to input positions; its coordinates run from -1 to 1, hence the shift's factor of 2
    theta = torch.empty(n, 2, 3, device=images.device)
    theta[:, 0, 0], theta[:, 0, 1] = flip * angle.cos(), -flip * angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = angle.sin(), angle.cos()
    theta[:, 0, 2] = (2 * right - 1) * 2 * settings.translation
    theta[:, 1, 2] = (2 * down - 1) * 2 * settings.translation
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
