"""A spatial transformer in front of a classifier (Jaderberg et al. 2015): it learns how to turn and place the view."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferlab.data.colour import GREY
from ferlab.params import TransformerClassifier

SIDE = 4  # of the localiser's last maps: enough to say where a face is


class SpatialTransformer(nn.Module):
    """Shows a network the view of each image that a small localiser chooses for it, both learned together.

    The view is affine (rotation, scale, shift, shear). It starts as the image itself, and each of its six numbers stays
    within `reach` of that; coordinates run from -1 to 1. What leaves the picture is replaced by the nearest border
    pixel. Called with float32 (N, channels, H, W) it returns logits (N, classes).

    Args:
        network: called with such images; its last linear layer stays the last of the whole.
        channels: of the images, 1 (grey) or 3 (RGB).
    """

    def __init__(self, settings: TransformerClassifier, network: nn.Module, channels: int = GREY) -> None:
        super().__init__()
        width = settings.localiser.channels
        self.reach = settings.localiser.reach
        self.localiser = nn.Sequential(
            nn.Conv2d(channels, width, 5, 2, 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 2 * width, 5, 2, 2),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(SIDE),
            nn.Flatten(),
            nn.Linear(2 * width * SIDE**2, 6),
        )
        last = self.localiser[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(seen(images, self.views(images)))
        return logits

    def views(self, images: Tensor) -> Tensor:
        """float32 (N, 2, 3): from places of the view to places of the image."""
        same = torch.eye(2, 3, device=images.device, dtype=images.dtype)
        views: Tensor = same + self.reach * self.localiser(images).reshape(-1, 2, 3).tanh()
        return views


def seen(images: Tensor, views: Tensor) -> Tensor:
    """float32 (N, channels, H, W): each image as its view shows it, sampled bilinearly."""
    grid = F.affine_grid(views, list(images.shape), align_corners=False)
    sampled: Tensor = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return sampled
