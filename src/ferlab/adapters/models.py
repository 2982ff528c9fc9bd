"""Logging a classifier itself to MLflow: that of an arm's best run."""

import io
import threading
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from packaging.version import Version
from PIL import Image

from ferlab.classifiers.catalogue import faces_of
from ferlab.code.source import SOURCE
from ferlab.data.images import Faces
from ferlab.records.run import FILE, RunRecord

NAME = "classifier"
BEST = "ferlab.best_of"
REGISTERED = "ferlab.registered"  # a tag of a logged model: under which name
PICTURE = "picture"
_LOGGING = threading.Lock()  # trainings of one process may end at once
PACKAGES = (
    "torch", "torchvision", "scikit-learn", "scikit-image", "scipy", "numpy", "pandas", "pillow", "safetensors",
    "pydantic", "ruamel.yaml", "threadpoolctl",
)  # fmt: skip
"""What a model imports beside ferlab, whose code it carries."""


def best_of(budget: str, kind: str, arm: str) -> str:
    """The value of the tag `ferlab.best_of`: an arm at a budget, on drawn or real faces."""
    return "/".join((budget, kind, arm))


def log_if_best(client: MlflowClient, run: Run, arm_tag: str, valid_accuracy: float, folder: Path) -> bool:
    """Log the classifier in `folder` if no earlier run of the arm is better on the validation split.

    Args:
        arm_tag: see `best_of`; the best run carries it.

    Returns:
        Whether it was logged. The earlier best run then loses its model and its tag.
    """
    with _LOGGING:
        return _log_if_best(client, run, arm_tag, valid_accuracy, folder)


def _log_if_best(client: MlflowClient, run: Run, arm_tag: str, valid_accuracy: float, folder: Path) -> bool:
    own = run.info.run_id
    earlier = [other for other in tagged(client, run.info.experiment_id, arm_tag) if other.info.run_id != own]
    if any(other.data.metrics["best_valid_accuracy"] >= valid_accuracy for other in earlier):
        return False
    _forget_models(client, run)
    mlflow.set_tracking_uri(client.tracking_uri)
    faces = faces_of(RunRecord.read(folder / FILE))
    with mlflow.start_run(run_id=own, nested=True):
        mlflow.pyfunc.log_model(
            name=NAME,
            loader_module="ferlab.adapters.served_model",
            data_path=str(folder),
            code_paths=[str(SOURCE)],
            signature=_signature(faces),
            input_example=pd.DataFrame({PICTURE: [_example(faces)]}),
            pip_requirements=[f"{package}=={Version(version(package)).public}" for package in PACKAGES],
        )
    client.update_run(own, status="RUNNING")  # leaving the block above has ended the run
    for other in earlier:
        _forget_models(client, other)
        client.delete_tag(other.info.run_id, BEST)
    client.set_tag(own, BEST, arm_tag)
    return True


def tagged(client: MlflowClient, experiment_id: str, arm_tag: str) -> list[Run]:
    """The runs that carry a tag of `best_of`: one, but for a kill just after a better one was found."""
    return list(client.search_runs([experiment_id], f"tags.`{BEST}` = '{arm_tag}'"))


def models_of(client: MlflowClient, run: Run) -> list[LoggedModel]:
    """The classifiers that a run has logged, the last one first."""
    return list(client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'"))


def _forget_models(client: MlflowClient, run: Run) -> None:
    """Delete a run's classifiers, but for those that the registry rests on."""
    for model in models_of(client, run):
        if REGISTERED not in model.tags:
            client.delete_logged_model(model.model_id)


def _signature(faces: Faces) -> ModelSignature:
    """A picture file's bytes a row, base64 in JSON; out come a probability a class."""
    outputs = Schema([ColSpec(DataType.double, name) for name in faces.classes])
    return ModelSignature(inputs=Schema([ColSpec(DataType.binary, PICTURE)]), outputs=outputs)


def _example(faces: Faces) -> bytes:
    """A grey square as PNG, of the channels that the classifier knows."""
    with io.BytesIO() as file:
        Image.fromarray(np.full(faces.shape, 128, np.uint8)).save(file, "PNG")
        return file.getvalue()
