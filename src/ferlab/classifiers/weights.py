"""First weights: drawn from a seed, or pre-trained ones that are checked before they are used, never a silent draw."""

from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ferlab.classifiers.architectures import build
from ferlab.classifiers.vgg import POSITIONS, Vgg
from ferlab.data.colour import GREY, NAMES, RGB
from ferlab.errors import UserError
from ferlab.files import sha256_file
from ferlab.params import NetworkClassifier, VggClassifier

RELEASE = "IMAGENET1K_V1"  # torchvision's name for the weights trained as the networks' papers say


def first_weights(settings: NetworkClassifier, classes: int, channels: int = GREY) -> nn.Module:
    """A network ready to be trained. What no file gives is drawn from torch's global generator.

    Args:
        channels: of its images, 1 (grey) or 3 (RGB).

    Raises:
        UserError: the weights asked for are absent, have another hash, or don't fit.
    """
    model = build(settings, classes, channels)
    if settings.weights == "imagenet":
        adopt(model, _imagenet(settings), f"torchvision's {RELEASE} of {settings.network}")
    elif settings.weights != "none":
        adopt(model, _file(Path(settings.weights), settings.weights_sha256), settings.weights)
    return model


def adopt(model: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Lay weights in torchvision's layout on a network.

    Where the network sees grey images, filters of three colours become one: the first convolution's are summed. A VGG
    head of 25088 inputs is summed over its 49 positions where this network's has 512. A last layer for another number
    of classes is left out: the network keeps its own, freshly drawn.

    Raises:
        UserError: the weights belong to another network; `source` names them.
    """
    drawn = model.state_dict()
    state = dict(weights)
    first, last = ("features.0", "classifier.6") if isinstance(model, Vgg) else ("conv1", "fc")
    head = "classifier.0.weight"
    try:
        channels = drawn[f"{first}.weight"].shape[1]
        state[f"{first}.weight"] = _filters(state[f"{first}.weight"], channels, source)
        if isinstance(model, Vgg) and model.positions == POSITIONS:
            wide = drawn[head].shape[1]
            if state[head].shape[1] == POSITIONS * wide:
                state[head] = state[head].reshape(-1, wide, POSITIONS).sum(2)
        if len(state[f"{last}.bias"]) != len(drawn[f"{last}.bias"]):
            state |= {f"{last}.{part}": drawn[f"{last}.{part}"] for part in ("weight", "bias")}
        model.load_state_dict(state)
    except (RuntimeError, KeyError) as error:
        raise UserError(
            f"these weights are not of this network: {error}",
            where=source,
            next_step="name a file in torchvision's layout for the same network and width, or set weights to none",
        ) from None


def _filters(filters: Tensor, channels: int, source: str) -> Tensor:
    """Of a first convolution, for images of so many channels."""
    if filters.shape[1] == GREY and channels == RGB:
        raise UserError(
            f"these weights are of {NAMES[GREY]} images, and the study's are {NAMES[RGB]} (data.channels: {RGB})",
            where=source,
            next_step="name weights of a network that sees colours, or set weights to none",
        )
    return filters.sum(dim=1, keepdim=True) if filters.shape[1] == RGB and channels == GREY else filters


def _imagenet(settings: NetworkClassifier) -> Mapping[str, Tensor]:
    from torchvision.models import get_model_weights  # late: it costs seconds

    name = settings.network + ("_bn" if isinstance(settings, VggClassifier) and settings.batch_norm else "")
    release = get_model_weights(name)[RELEASE]
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(release.url).name
    start = path.stem.rsplit("-", 1)[1]  # of the file's SHA-256; torch checks it after a download only
    if path.exists() and not sha256_file(path).startswith(start):
        raise UserError(
            f"{path.name} is damaged: its SHA-256 doesn't start with {start}",
            where=str(path),
            next_step="delete it, and it is downloaded again",
        )
    try:
        weights: Mapping[str, Tensor] = release.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, HTTPException, RuntimeError) as error:
        raise UserError(
            f"the ImageNet weights of {name} are not here and can't be downloaded: {error}",
            where=release.url,
            next_step=f"put that file into {path.parent}, or name it in params.yaml (weights, weights_sha256); "
            "`weights: none` starts from drawn weights",
        ) from None
    return weights


def _file(path: Path, sha256: str | None) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise UserError(
            "there is no such file of weights",
            where=str(path.absolute()),
            next_step="mend `weights` in params.yaml, or set it to none",
        )
    digest = sha256_file(path)
    if digest != sha256:
        raise UserError(
            f"this is not the file that params.yaml names: its SHA-256 is {digest}, not {sha256}",
            where=str(path),
            next_step="bring the right file, or set weights_sha256 if you mean this one",
        )
    try:
        content: Any = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (RuntimeError, SafetensorError, UnpicklingError, EOFError) as error:
        raise UserError(f"this file of weights can't be read: {error}", where=str(path)) from None
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(
            "this file doesn't hold a network's weights by name",
            where=str(path),
            next_step="save `network.state_dict()` alone",
        )
    return content
