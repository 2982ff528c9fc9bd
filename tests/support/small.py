"""Small faces, archives and trainings that tests make for themselves."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ferlab.params import DfsvmClassifier, GanFamily, ResnetClassifier, SvmClassifier, VggClassifier
from ferlab.testing.faces import barred, noise
from ferlab.testing.watched import Dying, KilledError, Record

__all__ = ["Dying", "KilledError", "Record", "barred", "noise"]

REPOSITORY = Path(__file__).parents[2]

NETWORK: dict[str, Any] = {
    "method": "network",
    "network": "resnet50",
    "width": 0.0625,
    "stem": "imagenet",
    "zero_init_residual": True,
    "input_size": 48,
    "weights": "none",
    "weights_sha256": None,
    "lr": 0.05,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "label_smoothing": 0.0,
    "targets": "majority",
    "schedule": "one_cycle",
    "batch_size": 8,
    "epochs": 2,
    "compile": "none",
    "amp": False,
    "deterministic": True,
    "augmentation": {"rotation": 10.0, "translation": 0.08, "crop": 1.0, "flip": True},
}
VGG = {k: v for k, v in NETWORK.items() if k not in ("stem", "zero_init_residual")} | {
    "network": "vgg16",
    "batch_norm": False,
    "dropout": 0.5,
}
UNCHANGED = {"rotation": 0.0, "translation": 0.0, "crop": 1.0, "flip": False}
SVM: dict[str, Any] = {
    "method": "svm",
    "features": {"kind": "pixels", "components": None},
    "kernel": "linear",
    "kernel_limit": 5000,
    "C": 1e-3,
    "tolerance": 1e-3,
    "max_iterations": 2000,
}
DFSVM: dict[str, Any] = {
    "method": "dfsvm",
    "members": [
        {"network": n, "weights": "none", "weights_sha256": None, "trained": True, "frozen": 0}
        for n in ("vgg13", "vgg19")
    ],
    "training": {
        "width": 0.0625,
        "batch_norm": True,
        "dropout": 0.5,
        "input_size": 48,
        "redraw_std": None,
        "lr": 0.02,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "schedule": "one_cycle",
        "batch_size": 8,
        "epochs": 2,
        "stop_at_drop": False,
        "augmentation": UNCHANGED,
    },
    "C": 1.0,
    "tolerance": 1e-4,
    "max_iterations": 1000,
}
NULL_MODEL: dict[str, Any] = {
    "method": "null_model",
    "window": 5,
    "floor": 0.05,
    "filters": 6,
    "size": 5,
    "components": 8,
    "patches": 4000,
    "threshold": 0.25,
    "pooling": "square",
    "grid": 4,
    "alpha": 50.0,
}
GAN: dict[str, Any] = {
    "base_channels": 2,
    "latent": 5,
    "lr": 1e-3,
    "beta1": 0.5,
    "beta2": 0.999,
    "batch_size": 4,
    "epochs": 2,
    "critic_steps": 1,
    "critic_norm": "batch",
    "penalty": 0.0,
}


def network(**changes: Any) -> ResnetClassifier:
    return ResnetClassifier(**(NETWORK | changes))


def vgg(**changes: Any) -> VggClassifier:
    return VggClassifier(**(VGG | changes))


def svm(**changes: Any) -> SvmClassifier:
    return SvmClassifier(**(SVM | changes))


def dfsvm(training: Mapping[str, Any] | None = None, **changes: Any) -> DfsvmClassifier:
    return DfsvmClassifier.model_validate(DFSVM | changes | {"training": DFSVM["training"] | (training or {})})


def gan(**changes: Any) -> GanFamily:
    return GanFamily(**(GAN | changes))


def png(pixels: NDArray[np.uint8], mode: str = "L") -> bytes:
    """A grey picture's file, in another mode if asked for."""
    content = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(content, "png")
    return content.getvalue()


def make_zip(path: Path, members: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
