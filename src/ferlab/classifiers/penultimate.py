"""What any of the networks sees below its last layer."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.preprocessing import normalize
from torch import Tensor, nn

from ferlab.classifiers.cnn import Cnn
from ferlab.classifiers.inference import probabilities


def penultimate_features(network: Cnn, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The input of a network's last linear layer, in evaluation mode.

    Args:
        images: uint8 (N, side, side) or (N, side, side, 3).

    Returns:
        float32 (N, features), each row of length 1, or 0 where all features are.
    """
    last = [module for module in network.model.modules() if isinstance(module, nn.Linear)][-1]
    seen = [np.empty((0, last.in_features), np.float32)]

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0].float().cpu().numpy())

    handle = last.register_forward_pre_hook(keep)
    try:
        probabilities(network.model, torch.from_numpy(np.array(images)), network.settings.input_size)
    finally:
        handle.remove()
    features: NDArray[np.float32] = np.concatenate(seen)
    return normalize(features) if len(features) else features
