"""Images of local binary patterns as a network can take them: each code a point in space (Levi & Hassner 2015)."""

from math import ceil, floor

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.manifold import ClassicalMDS
from torch import Tensor, nn
from torch.nn import functional as F

from ferlab.data.colour import LUMA

POINTS = 8  # on a circle: 256 codes
CHANNELS = 3
SAME = 1e-5  # a neighbour so little darker is equal but for rounding; a grey level is 1,600 times as much


def code_distances() -> NDArray[np.float64]:
    """How unlike two codes are: float64 (256, 256), symmetric, 0 on the diagonal.

    The earth mover's distance of two strings of bits, that is of their running sums; of a code and another read from
    either end, the smaller one.
    """
    bits = (np.arange(2**POINTS)[:, None] >> np.arange(POINTS)) & 1
    sums, reverse = bits.cumsum(axis=1), bits[:, ::-1].cumsum(axis=1)
    straight, turned = (np.abs(sums[:, None] - others).sum(axis=2) for others in (sums, reverse))
    found: NDArray[np.float64] = np.minimum(straight, np.minimum(turned, turned.T)).astype(np.float64)
    return found


def code_points() -> NDArray[np.float32]:
    """A point for each code, float32 (256, 3), whose distances resemble `code_distances`: classical MDS.

    Each coordinate has mean 0 and the first has standard deviation 1; of the axes' two directions, the one in which the
    point farthest from the middle is positive.
    """
    points = ClassicalMDS(CHANNELS, metric="precomputed").fit_transform(code_distances())
    farthest = points[np.abs(points).argmax(axis=0), np.arange(CHANNELS)]
    points = points * np.sign(farthest)
    scaled: NDArray[np.float32] = (points / points[:, 0].std()).astype(np.float32)
    return scaled


def code_weights(radius: int) -> Tensor:
    """A convolution that takes each pixel from its eight neighbours on a circle: float32 (8, 1, 2r + 1, 2r + 1).

    Neighbour p lies at an angle of 2πp/8, counter-clockwise from the right, and is interpolated bilinearly.
    """
    weights = torch.zeros(POINTS, 1, 2 * radius + 1, 2 * radius + 1)
    for p in range(POINTS):
        turn = 2 * np.pi * p / POINTS
        y, x = (round(float(v), 5) + radius for v in (-radius * np.sin(turn), radius * np.cos(turn)))
        for row, of_row in {floor(y): 1 - y % 1, ceil(y): y % 1 or 1}.items():
            for column, of_column in {floor(x): 1 - x % 1, ceil(x): x % 1 or 1}.items():
                weights[p, 0, row, column] += of_row * of_column
        weights[p, 0, radius, radius] -= 1
    return weights


class CodeMaps(nn.Module):
    """float32 (N, 1 or 3, H, W), as images come into a network, to the points of their codes: float32 (N, 3, H, W).

    The codes are of grey levels, also of images in RGB. It learns nothing, and no gradient passes it. Beyond the border
    an image goes on as its nearest pixel.
    """

    weights: Tensor
    points: Tensor

    def __init__(self, radius: int) -> None:
        super().__init__()
        self.radius = radius
        self.register_buffer("weights", code_weights(radius), persistent=False)
        self.register_buffer("points", torch.from_numpy(code_points()), persistent=False)

    def codes(self, images: Tensor) -> Tensor:
        """int64 (N, H, W) in 0-255; bit p is set where neighbour p is as bright as the pixel or brighter."""
        if images.shape[1] > 1:
            red, green, blue = (images[:, i : i + 1] for i in range(3))
            images = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
        padded = F.pad(images, (self.radius,) * 4, mode="replicate")
        brighter = F.conv2d(padded, self.weights) >= -SAME
        return (brighter.long() << torch.arange(POINTS, device=images.device)[:, None, None]).sum(dim=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.points[self.codes(images)].permute(0, 3, 1, 2)
