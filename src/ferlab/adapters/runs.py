"""Prediction files out of MLflow's runs."""

from pathlib import Path

from mlflow.exceptions import MlflowException

from ferlab.adapters.store import connect
from ferlab.errors import UserError
from ferlab.project import Project


def fetch_predictions(project: Project, run: str, folder: Path) -> tuple[str, Path]:
    """Copy the prediction file of an MLflow run into `folder`.

    Returns:
        The run's name, and the file.

    Raises:
        UserError: there is no such run, or it has no predictions.
    """
    client = connect(project)
    try:
        name = str(client.get_run(run).info.run_name)
        files = [item.path for item in client.list_artifacts(run, "predictions") if item.path.endswith(".parquet")]
    except MlflowException as error:
        raise UserError(
            f"MLflow knows no run {run}: {error.message}",
            where=project.tracking_uri,
            next_step="`ferlab ui` shows the runs; a run's id stands on its page",
        ) from None
    if not files:
        raise UserError(
            f"the run {run} ({name}) has no predictions: it wasn't evaluated",
            where=project.tracking_uri,
            next_step="choose a run of the experiment `classifiers` whose evaluate stage has ended",
        )
    return name, Path(client.download_artifacts(run, files[0], str(folder)))
