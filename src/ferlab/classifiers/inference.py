"""What goes into a convolutional network, and what comes out."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

MEAN, STD = 0.5, 0.25  # of pixels in 0-1; near FER-2013's own 0.51 and 0.26, and the same for every arm
BATCH = 128  # images a forward pass of `probabilities` on a CPU
GPU_BATCH = 1024  # likewise on a GPU, which would wait for the host


def to_input(images: Tensor, side: int) -> Tensor:
    """uint8 (N, H, H) in 0-255 to float32 (N, 1, side, side), resized bilinearly, centred and scaled.

    RGB, uint8 (N, H, H, 3), becomes (N, 3, side, side); all channels are centred and scaled alike.
    """
    planes = images.unsqueeze(1) if images.ndim == 3 else images.permute(0, 3, 1, 2)
    scaled = (planes.float() / 255 - MEAN) / STD
    if side == scaled.shape[-1]:
        return scaled
    return F.interpolate(scaled, (side, side), mode="bilinear", align_corners=False)


def probabilities(model: nn.Module, images: Tensor, side: int) -> NDArray[np.float64]:
    """Class probabilities of uint8 (N, H, H) or (N, H, H, 3) images: float64 (N, classes), rows summing to 1.

    Args:
        model: returns (N, classes) logits, of a linear layer.
        side: the model's input size.
    """
    device = next(model.parameters()).device
    size = GPU_BATCH if device.type == "cuda" else BATCH
    model.eval()
    rows = [np.empty((0, n_outputs(model)))]
    with torch.inference_mode():
        for start in range(0, len(images), size):
            batch = to_input(images[start : start + size].to(device), side).contiguous(
                memory_format=torch.channels_last
            )
            rows.append(model(batch).double().softmax(dim=1).cpu().numpy())
    return np.concatenate(rows)


def n_channels(model: nn.Module) -> int:
    """How many channels a network sees: 1 (grey) or 3 (RGB)."""
    return next(module for module in model.modules() if isinstance(module, nn.Conv2d)).in_channels


def n_outputs(model: nn.Module) -> int:
    """How many classes a network tells apart: the width of its last linear layer."""
    return [module for module in model.modules() if isinstance(module, nn.Linear)][-1].out_features
