"""MLflow's store: which one it is, whether it answers, and where its artifacts go."""

import logging
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage, ViewType
from mlflow.exceptions import MlflowException
from requests import RequestException
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from ferlab.adapters.moved import rebase
from ferlab.adapters.owners import sweep
from ferlab.adapters.store_file import is_half_made, must_be_mlflows
from ferlab.errors import UserError, masked
from ferlab.project import Project

OURS = ("classifiers", "gans", "tuning")  # experiments
STORES = "stores.txt"  # below .ferlab/: addresses, without passwords, of servers that have answered
PATIENCE = 5.0  # seconds to wait for a server's first answer; MLflow itself would try for minutes
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
for noisy in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent", "mlflow.pyfunc"):
    logging.getLogger(noisy).setLevel(logging.WARNING)


class AwayError(UserError):
    """A store that isn't a file doesn't answer."""


def is_away(error: BaseException) -> bool:
    """Whether a store didn't answer, or not as itself; False where it answered and refused."""
    if isinstance(error, MlflowException):
        return bool(error.get_http_status_code() >= 500)  # type: ignore[no-untyped-call]
    if isinstance(error, RequestException) and error.response is not None:
        return error.response.status_code >= 500
    return isinstance(error, ConnectionError | RequestException | OperationalError)


def is_missed(project: Project, error: BaseException) -> bool:
    """Whether an error is that of a store which is away, and has answered this project before: it can be told later."""
    return (isinstance(error, AwayError) or is_away(error)) and has_answered(project)


def has_answered(project: Project) -> bool:
    """Whether the project's store has ever answered this project: one that hasn't may be a wrong address."""
    known = project.state / STORES
    return known.is_file() and masked(project.tracking_uri) in known.read_text(encoding="utf-8").splitlines()


def connect(project: Project) -> MlflowClient:
    """A client of the project's store. The first caller makes its schema while others wait.

    Where the store is a file that has been moved or copied with its project, its artifacts are looked for, and kept,
    beside it from then on. Runs that a kill has left RUNNING are marked.

    Raises:
        UserError: mlruns/ holds a store of an older MLflow, which the default store can't live beside; or the store
            can't be reached: an AwayError where it is a server that doesn't answer.
    """
    old = sorted((project.home / "mlruns").glob("*/meta.yaml"))
    if old:
        raise UserError(
            "mlruns/ holds runs in the file format of an older MLflow, which `mlflow ui` no longer opens",
            where=str(old[0]),
            next_step="keep them: `mlflow migrate-filestore --source mlruns --target sqlite:///mlflow-old.db`, "
            "then move that folder out of mlruns/",
        )
    uri, file = project.tracking_uri, project.tracking_file
    if file:
        must_be_mlflows(file)
    project.state.mkdir(parents=True, exist_ok=True)
    with FileLock(project.state / "tracking.lock"):
        try:
            _must_listen(uri)
            with briefly():
                client = _open(uri, file, project.state)
            if file:
                rebase(file, OURS)
            sweep(client, OURS, file)
        except Exception as error:  # each store raises its own kind
            said = (str(error) or type(error).__name__).splitlines()[0]
            kind = AwayError if not file and is_away(error) else UserError
            what = "refuses you" if re.search("error code 40[13]", said) else "can't be reached"
            raise kind(f"the tracking store {what}: {said}", where=uri, next_step=_way_out(said)) from error
        if not file and not has_answered(project):
            with (project.state / STORES).open("a", encoding="utf-8") as known:
                known.write(f"{masked(uri)}\n")
    return client


def _open(uri: str, file: Path | None, scratch: Path) -> MlflowClient:
    """A client of a store that answers. A file is made whole or not at all; one whose making was cut off, anew.

    MLflow makes its schema in many steps, and can't go on with a part of it.
    """
    if file and (not file.exists() or is_half_made(file)):
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            fresh = Path(folder) / file.name
            _asked(URL.create("sqlite", database=str(fresh)).render_as_string())
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(fresh, file)
    return _asked(uri)


def _asked(uri: str) -> MlflowClient:
    client = MlflowClient(uri)
    client.search_experiments(max_results=1)
    _sweep_twins(uri)
    return client


def _sweep_twins(uri: str) -> None:
    """Remove the empty folders that MLflow makes of a path's URL where that isn't the path itself."""
    shown = uri.removeprefix("sqlite:///")
    if shown != uri and (real := unquote(shown)) != shown:
        for twin in {Path(shown).parent, Path(quote(real)).parent} - {Path(real).parent}:
            with suppress(OSError):  # there is none, or somebody keeps something in it
                os.removedirs(twin)


def _way_out(said: str) -> str:
    if "database schema" in said:  # MLflow's words for an older and for a newer one
        return (
            "another version of MLflow made that database: upgrade it, with a backup at hand, where it is kept "
            "(`mlflow db upgrade`), or use the MLflow that made it"
        )
    if "locked" in said:
        return "another program is writing there, or holds it open: wait for it, or end it (`fuser` names it)"
    if "error code 401" in said:
        return "it asks who you are: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment"
    if "error code 403" in said:
        return "your user may not do that there: ask who keeps the server, or work as another user"
    if "psycopg" in said:
        return "install what speaks to PostgreSQL: pip install 'ferlab[team]'"
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return "check MLFLOW_TRACKING_URI, or unset it to use the project's own store"
    return "see that it can be written"


def _must_listen(uri: str) -> None:
    """Raise an error where no program listens at the host and port of a URI, or PostgreSQL refuses it. A proxy is asked
    nothing."""
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    if not parts.hostname or not (port := parts.port or PORTS.get(scheme)):
        return
    if scheme in getproxies() and not proxy_bypass(parts.hostname):
        return
    try:
        with socket.create_connection((parts.hostname, port), PATIENCE):
            pass
    except OSError as error:
        raise ConnectionError(f"nothing answers at {parts.hostname}:{port} ({error.strerror or error})") from None
    if scheme.startswith("postgres"):  # what it refuses, MLflow would ask for again, for minutes
        engine = create_engine(uri, poolclass=NullPool)
        with engine.connect():
            pass


@contextmanager
def briefly() -> Iterator[None]:
    """Let MLflow give a server up after seconds, which it would ask for minutes."""
    hurry = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": f"{PATIENCE:.0f}"}
    before = {name: os.environ.get(name) for name in hurry}
    os.environ.update(hurry)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def experiment_named(project: Project, client: MlflowClient, name: str) -> Experiment | None:
    """An experiment; None where there is none.

    Raises:
        UserError: it is in MLflow's trash, where no run can be kept.
    """
    found = client.get_experiment_by_name(name)
    if found is None or found.lifecycle_stage != LifecycleStage.DELETED:
        return found
    raise trash(project, found)


def trash(project: Project, experiment: Experiment) -> UserError:
    """That an experiment is in MLflow's trash, and how it comes back."""
    restore = f"mlflow experiments restore --experiment-id {experiment.experiment_id}"
    return UserError(
        f"the experiment '{experiment.name}' was deleted in MLflow, and its runs with it",
        where=project.tracking_uri,
        next_step=f"bring it back, in {project.home}: `{restore}`",
    )


def make_experiment(project: Project, client: MlflowClient, name: str) -> str:
    """The id of an experiment, which is made if there is none. A server chooses its artifacts' place itself.

    Raises:
        UserError: see `experiment_named`.
    """
    with FileLock(project.state / "tracking.lock"):
        found = experiment_named(project, client, name)
        if found:
            return str(found.experiment_id)
        file = project.tracking_file  # MLflow would put artifacts below the working directory
        place = f"{file.parent.as_uri()}/mlruns/{quote(name)}" if file else None
        return str(client.create_experiment(name, artifact_location=place))


def deleted(client: MlflowClient) -> list[Experiment]:
    """Our experiments that are in MLflow's trash."""
    return [one for one in client.search_experiments(view_type=ViewType.DELETED_ONLY) if one.name in OURS]
