"""Prediction files out of MLflow's runs."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from ferlab.errors import UserError
from ferlab.project import Project

PREDICTIONS = "predictions"  # a run's folder of artifacts


def predictions_of(project: Project, run: str, folder: Path) -> Path:
    """The prediction file of an MLflow run: where it lies on this machine, else copied into `folder`.

    Raises:
        UserError: there is no such run, or it has no predictions.
    """
    return _beside(project, run) or _fetched(project, run, folder)


def _beside(project: Project, run: str) -> Path | None:
    """As an SQLite store says, read without MLflow, whose imports take longer than what it is asked for."""
    found = project.in_store("SELECT artifact_uri FROM runs WHERE run_uuid = ?", run)
    place = urlsplit(found[0][0] if found else "")  # where there is none, MLflow says what is wrong
    files = sorted(Path(unquote(place.path), PREDICTIONS).glob("*.parquet")) if place.scheme == "file" else []
    return files[0] if files else None


def _fetched(project: Project, run: str, folder: Path) -> Path:
    from mlflow.exceptions import MlflowException  # late, as is what connects: seconds

    from ferlab.adapters.store import connect

    client = connect(project)
    try:
        name = str(client.get_run(run).info.run_name)
        files = [item.path for item in client.list_artifacts(run, PREDICTIONS) if item.path.endswith(".parquet")]
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
    return Path(client.download_artifacts(run, files[0], str(folder)))
