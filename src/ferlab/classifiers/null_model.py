"""The null model (Bergstra and Cox 2013): convolutions with random weights, of which only a linear readout learns."""

from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import Ridge
from torch import Tensor, from_numpy
from torch.nn import functional as F

from ferlab.classifiers.base import Fit, TrainingPlan, check_sets
from ferlab.data.colour import channels_of
from ferlab.data.images import FER_FACES, Faces, ImageSet
from ferlab.errors import UserError
from ferlab.params import NullModelClassifier
from ferlab.training.checkpoint import Checkpoints, load_state, save_state
from ferlab.training.observe import Observer
from ferlab.training.seeding import random_generator

FILE = "null_model.safetensors"
BATCH = 64  # images whose maps are in memory at once
SPREAD = 1e-6  # a feature that varies less is constant


class NullModel:
    """Local normalisation, random filters, both half-waves beyond a threshold, pooling, and a ridge regression.

    The regression is of +1 for an image's own class and -1 for the others (one against the rest); the probabilities are
    the softmax of its outputs, which ranks the classes as it does and isn't calibrated. Features are held in memory
    while it is fitted: float32, images x 2 x filters x grid x grid.
    """

    def __init__(self, settings: NullModelClassifier, faces: Faces = FER_FACES) -> None:
        self.settings, self.channels = settings, faces.channels
        self.arrays: dict[str, Tensor] = {}

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        check_sets(train, valid)
        settings = self.settings
        filters = draw_filters(train.images, settings, random_generator(plan.seed, "filters"))
        rows = features(train.images, filters, settings)
        mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        rows -= mean
        scale = _spread(rows)
        scale = np.where(scale > SPREAD, scale, 1).astype(np.float32)
        rows /= scale
        readout = Ridge(settings.alpha, solver="cholesky", copy_X=False)
        readout.fit(rows, 2 * np.eye(len(train.classes), dtype=np.float32)[train.labels] - 1)
        kept = {"mean": mean, "scale": scale, "weights": readout.coef_, "bias": readout.intercept_}
        self.arrays = {"filters": filters} | {
            name: from_numpy(np.ascontiguousarray(array, dtype=np.float32)) for name, array in kept.items()
        }
        accuracy = float((self.predict_proba(valid.images).argmax(axis=1) == valid.labels).mean())
        row = {"epoch": 1, "valid_accuracy": accuracy}
        observe(1, row)
        return Fit([row], 1, accuracy, {"features": rows.shape[1]})

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        known = {name: tensor.numpy() for name, tensor in self.arrays.items()}
        rows = features(images, self.arrays["filters"], self.settings)
        values = ((rows - known["mean"]) / known["scale"]) @ known["weights"].T + known["bias"]
        probabilities: NDArray[np.float64] = softmax(values.astype(np.float64), axis=1)
        return probabilities

    def save(self, folder: Path) -> None:
        save_state(self.arrays, folder / FILE)

    def load(self, folder: Path) -> Self:
        arrays = load_state(folder / FILE)
        side, width = self.settings.size, 2 * self.settings.filters * self.settings.grid**2
        if (
            arrays["filters"].shape != (self.settings.filters, self.channels, side, side)
            or len(arrays["mean"]) != width
        ):
            raise UserError(
                "these filters are not of this null model",
                where=str(folder / FILE),
                next_step="use the settings it was fitted with (run.json beside it)",
            )
        self.arrays = arrays
        return self


def draw_filters(images: NDArray[np.uint8], settings: NullModelClassifier, rng: torch.Generator) -> Tensor:
    """float32 (filters, channels, size, size): random directions of length 1, of pixels or of whitened components.

    Args:
        images: uint8 (N, side, side) or (N, side, side, 3), the training images: components are of their patches alone.
    """
    channels = channels_of(images)
    pixels = channels * settings.size**2
    kept = pixels if settings.components is None else min(settings.components, pixels - 1)  # a patch has no mean
    drawn = torch.randn(settings.filters, kept, generator=rng, dtype=torch.float64)
    drawn /= drawn.norm(dim=1, keepdim=True)
    if settings.components is not None:
        values, vectors = torch.linalg.eigh(_covariance(images, settings, rng))
        values, vectors = values.flip(0)[:kept], vectors.flip(1)[:, :kept]
        drawn = drawn @ (vectors / values.clamp_min(SPREAD).sqrt()).T
    return drawn.float().reshape(-1, channels, settings.size, settings.size)


def _covariance(images: NDArray[np.uint8], settings: NullModelClassifier, rng: torch.Generator) -> Tensor:
    """float64 (channels x size^2, as many), of patches at random places, each without its own mean."""
    side = images.shape[1] - settings.size + 1
    chosen = torch.randint(len(images), (settings.patches,), generator=rng)
    pixels = channels_of(images) * settings.size**2
    total = torch.zeros(pixels, pixels, dtype=torch.float64)
    for start in range(0, settings.patches, BATCH):
        some = chosen[start : start + BATCH]
        windows = F.unfold(normalised(images[some.numpy()], settings), settings.size).double()
        places = torch.randint(side**2, (len(some),), generator=rng)
        patches = windows[torch.arange(len(some)), :, places]
        patches -= patches.mean(dim=1, keepdim=True)
        total += patches.T @ patches
    return total / settings.patches


def normalised(images: NDArray[np.uint8], settings: NullModelClassifier) -> Tensor:
    """float32 (N, channels, side, side): each pixel less the mean around it, over the spread around it (or the floor).

    The spread is the root mean square of what the means leave; beyond the border the picture is mirrored. Each channel
    has means and spreads of its own.
    """
    pixels = torch.from_numpy(np.array(images))
    faces = (pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)).float() / 255
    if not settings.window:
        return faces
    faces = faces - _around(faces, settings.window)
    return faces / _around(faces.square(), settings.window).sqrt().clamp_min(settings.floor)


def _around(maps: Tensor, window: int) -> Tensor:
    return F.avg_pool2d(F.pad(maps, (window // 2,) * 4, mode="reflect"), window, 1)


def features(images: NDArray[np.uint8], filters: Tensor, settings: NullModelClassifier) -> NDArray[np.float32]:
    """float32 (N, 2 x filters x grid x grid): what each filter finds, bright on dark and dark on bright, by place.

    Args:
        images: uint8 (N, side, side) or (N, side, side, 3).
    """
    rows = np.empty((len(images), 2 * settings.filters * settings.grid**2), np.float32)
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            found = F.conv2d(normalised(images[start : start + BATCH], settings), filters)
            halves = torch.cat([F.relu(found - settings.threshold), F.relu(-found - settings.threshold)], dim=1)
            rows[start : start + BATCH] = pooled(halves, settings).flatten(1).numpy()
    return rows


def pooled(maps: Tensor, settings: NullModelClassifier) -> Tensor:
    """float32 (N, C, grid, grid): the mean, root mean square or maximum of each place of float32 (N, C, H, W)."""
    if settings.pooling == "max":
        return F.adaptive_max_pool2d(maps, settings.grid)
    if settings.pooling == "square":
        return F.adaptive_avg_pool2d(maps.square(), settings.grid).sqrt()
    return F.adaptive_avg_pool2d(maps, settings.grid)


def _spread(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Root mean square of each feature, without a second copy of them all."""
    total = np.zeros(rows.shape[1])
    for start in range(0, len(rows), BATCH):
        total += (rows[start : start + BATCH].astype(np.float64) ** 2).sum(axis=0)
    spread: NDArray[np.float64] = np.sqrt(total / len(rows))
    return spread
