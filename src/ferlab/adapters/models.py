"""Logging a classifier itself to MLflow: that of an arm's best run."""

import threading
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray
from packaging.version import Version

from ferlab.adapters.tracking import TrackedRun
from ferlab.code.source import SOURCE
from ferlab.data.images import SIDE
from ferlab.data.labels import FER_CLASSES

NAME = "classifier"
BEST = "ferlab.best_of"
_LOGGING = threading.Lock()  # trainings of one process may end at once
PACKAGES = (
    "torch", "torchvision", "scikit-learn", "scikit-image", "scipy", "numpy", "safetensors", "pydantic", "ruamel.yaml",
    "threadpoolctl",
)  # fmt: skip
"""What a model imports beside ferlab, whose code it carries."""
SIGNATURE = ModelSignature(
    inputs=Schema([TensorSpec(np.dtype(np.uint8), (-1, SIDE, SIDE))]),
    outputs=Schema([TensorSpec(np.dtype(np.float64), (-1, len(FER_CLASSES)))]),
)


def log_if_best(run: TrackedRun, arm_tag: str, valid_accuracy: float, folder: Path, example: NDArray[np.uint8]) -> bool:
    """Log the classifier in `folder` if no earlier run of the arm is better on the validation split.

    Args:
        arm_tag: names the arm, budget and data; the best run carries it as the tag `ferlab.best_of`.
        example: uint8 (2, 48, 48), a stand-in input of two rows: with one, the batch size would be fixed.

    Returns:
        Whether it was logged. The earlier best run then loses its model and its tag.
    """
    with _LOGGING:
        return _log_if_best(run, arm_tag, valid_accuracy, folder, example)


def _log_if_best(
    run: TrackedRun, arm_tag: str, valid_accuracy: float, folder: Path, example: NDArray[np.uint8]
) -> bool:
    experiment = run.run.info.experiment_id
    earlier = [
        other
        for other in run.client.search_runs([experiment], f"tags.`{BEST}` = '{arm_tag}'")
        if other.info.run_id != run.id
    ]
    if any(other.data.metrics["best_valid_accuracy"] >= valid_accuracy for other in earlier):
        return False
    _forget_models(run, run.id)
    mlflow.set_tracking_uri(run.client.tracking_uri)
    with mlflow.start_run(run_id=run.id, nested=True):
        mlflow.pyfunc.log_model(
            name=NAME,
            loader_module="ferlab.adapters.served_model",
            data_path=str(folder),
            code_paths=[str(SOURCE)],
            signature=SIGNATURE,
            input_example=example,
            pip_requirements=[f"{package}=={Version(version(package)).public}" for package in PACKAGES],
        )
    run.client.update_run(run.id, status="RUNNING")  # leaving the block above has ended the run
    for other in earlier:
        _forget_models(run, other.info.run_id)
        run.client.delete_tag(other.info.run_id, BEST)
    run.client.set_tag(run.id, BEST, arm_tag)
    return True


def _forget_models(run: TrackedRun, run_id: str) -> None:
    models = run.client.search_logged_models([run.run.info.experiment_id])
    for model in models:
        if model.source_run_id == run_id:
            run.client.delete_logged_model(model.model_id)
