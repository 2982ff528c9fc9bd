"""Dense SIFT: Lowe's descriptor (2004, section 6) at every place of a grid and at several sizes, upright.

A descriptor has 4x4 spatial bins of 8 orientations. On a grid, the share that a pixel gives to a bin is the same at
every place, so that all descriptors of a batch of images are a few convolutions (Vedaldi & Fulkerson 2010, `dsift`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ferlab.data.colour import to_grey
from ferlab.data.images import SIDE

ORIENTATIONS, BINS = 8, 4
WIDTH = BINS * BINS * ORIENTATIONS
CLIP = 0.2  # of a descriptor of length 1: no single strong edge decides it (Lowe 2004, 6.1)
FAINT = 0.5  # grey levels: a shorter descriptor, before it gets length 1, is of no structure at all
BATCH = 128  # images at once


@dataclass(frozen=True)
class Grid:
    """Where descriptors are.

    Attributes:
        bins: pixels along the side of one of a descriptor's 4x4 bins, a size of descriptor each.
        step: pixels between neighbours of a size.
        side: pixels of an image's side.
    """

    bins: tuple[int, ...]
    step: int
    side: int = SIDE

    def starts(self, size: int) -> range:
        """Pixel rows (and columns) of the centres of the first bins of one size's descriptors."""
        return range(size // 2, self.side - (BINS - 1) * size - size // 2, self.step)

    def centres(self) -> NDArray[np.float64]:
        """float64 (descriptors, 2): row and column of each descriptor's centre in pixels, sizes one after the other."""
        parts = []
        for size in self.bins:
            along = np.array(self.starts(size)) + (BINS - 1) / 2 * size
            parts.append(np.stack(np.meshgrid(along, along, indexing="ij"), axis=-1).reshape(-1, 2))
        return np.concatenate(parts)


def dense_sift(images: NDArray[np.uint8], grid: Grid) -> Iterator[NDArray[np.float32]]:
    """Descriptors of batches of images, in order.

    Args:
        images: uint8 (N, side, side), or in RGB, of which the grey levels count.

    Yields:
        float32 (up to 128, descriptors, 128) in 0-1, each of length 1, or all zero where there is nothing to see. A
        descriptor has its bins row by row, each with its orientations.
    """
    for start in range(0, len(images), BATCH):
        faces = torch.from_numpy(np.array(to_grey(images[start : start + BATCH]))).float()
        maps = _orientation_maps(faces)
        yield torch.cat([_normalised(_at(maps, size, grid.starts(size))) for size in grid.bins], dim=1).numpy()


def _orientation_maps(faces: Tensor) -> Tensor:
    """(N, side, side) to (N, 8, side, side): each pixel's gradient, shared between its two nearest directions."""
    padded = F.pad(faces[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    right = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    turn = torch.atan2(down, right) * (ORIENTATIONS / (2 * torch.pi))
    away = (turn[:, None] - torch.arange(ORIENTATIONS)[:, None, None]).remainder(ORIENTATIONS)
    share = (1 - torch.minimum(away, ORIENTATIONS - away)).clamp(min=0)
    return share * torch.hypot(down, right)[:, None]


def _at(maps: Tensor, size: int, starts: range) -> Tensor:
    """Descriptors of one size, (N, places, 128)."""
    along = _shares(size, starts, maps.shape[-1])
    found: Tensor = along @ maps @ along.T
    found = found.reshape(len(maps), ORIENTATIONS, len(starts), BINS, len(starts), BINS)
    return found.permute(0, 2, 4, 3, 5, 1).reshape(len(maps), len(starts) ** 2, WIDTH)


def _shares(size: int, starts: range, side: int) -> Tensor:
    """(4 places, side): how much a row of pixels counts for each bin of each place, and so does a column.

    It falls linearly with the distance from the bin's centre. Lowe's Gaussian, half a descriptor wide, is taken at the
    bin's centre for all of its pixels.
    """
    bins = torch.arange(BINS)
    centres = (torch.tensor(list(starts))[:, None] + size * bins).reshape(-1, 1)
    triangle: Tensor = (1 - (torch.arange(side) - centres).abs() / size).clamp(min=0)
    nearness = torch.exp(-((bins - (BINS - 1) / 2) ** 2) / (2 * (BINS / 2) ** 2))
    return triangle * nearness.repeat(len(starts))[:, None]


def _normalised(descriptors: Tensor) -> Tensor:
    length = descriptors.norm(dim=-1, keepdim=True)
    clipped = (descriptors / length.clamp(min=FAINT)).clamp(max=CLIP)
    clipped = clipped / clipped.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    return torch.where(length >= FAINT, clipped, 0.0)
