"""MLflow's store: which one it is, whether it answers, and where its artifacts go."""

import logging
import os
import re
import shutil
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass, url2pathname

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage, ViewType
from mlflow.store.db.utils import _get_latest_schema_revision
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ferlab.adapters.owners import sweep
from ferlab.errors import UserError
from ferlab.project import Project

OURS = ("classifiers", "gans", "tuning")  # experiments
PATIENCE = 5.0  # seconds to wait for a server's first answer; MLflow itself would try for minutes
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns in which MLflow keeps whole paths."""

for noisy in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent", "mlflow.pyfunc"):
    logging.getLogger(noisy).setLevel(logging.WARNING)


def connect(project: Project) -> MlflowClient:
    """A client of the project's store. The first caller makes its schema while others wait.

    Where the store is a file that has been moved or copied with its project, its artifacts are looked for, and kept,
    beside it from then on. Runs that a kill has left RUNNING are marked.

    Raises:
        UserError: mlruns/ holds a store of an older MLflow, which the default store can't live beside; or the store
            can't be reached.
    """
    old = sorted((project.home / "mlruns").glob("*/meta.yaml"))
    if old:
        raise UserError(
            "mlruns/ holds runs in the file format of an older MLflow, which `mlflow ui` no longer opens",
            where=str(old[0]),
            next_step="keep them: `mlflow migrate-filestore --source mlruns --target sqlite:///mlflow-old.db`, "
            "then move that folder out of mlruns/",
        )
    uri, file = project.tracking_uri, database_of(project)
    project.state.mkdir(parents=True, exist_ok=True)
    with FileLock(project.state / "tracking.lock"):
        try:
            _must_listen(uri)
            with briefly():
                client = _open(uri, file, project.state)
            if file:
                _rebase(file)
            sweep(client, OURS, file)
        except Exception as error:  # each store raises its own kind
            said = (str(error) or type(error).__name__).splitlines()[0]
            raise UserError(f"the tracking store can't be reached: {said}", where=uri, next_step=_way_out()) from error
    return client


def _open(uri: str, file: Path | None, scratch: Path) -> MlflowClient:
    """A client of a store that answers. A file is made whole or not at all; one whose making was cut off, anew.

    MLflow makes its schema in many steps, and can't go on with a part of it.
    """
    if file and (not file.exists() or _is_half_made(file)):
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


def _is_half_made(file: Path) -> bool:
    """Whether a file is a part of an MLflow store that holds nothing yet; not a whole one, nor another program's."""
    with closing(sqlite3.connect(file)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "experiments" not in tables:
            return not tables
        kept = [("experiments", 1), ("runs", 0)]  # rows of a new store
        if any(len(database.execute(f"SELECT 1 FROM {name}").fetchall()) > n for name, n in kept if name in tables):
            return False
        if "alembic_version" not in tables:
            return True
        version = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return bool(version != (_get_latest_schema_revision(),))  # type: ignore[no-untyped-call]


def database_of(project: Project) -> Path | None:
    """The file that the store is, if it is one."""
    try:
        url = make_url(project.tracking_uri)
    except ArgumentError:
        return None
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)).absolute() if is_file else None


def _way_out() -> str:
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return "check MLFLOW_TRACKING_URI, or unset it to use the project's own store"
    return "see that it can be written; if another version of MLflow made it, `mlflow db upgrade sqlite:///mlflow.db`"


def _must_listen(uri: str) -> None:
    """Raise an OSError where no program listens at the host and port of a URI. A proxy is asked nothing."""
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
        raise OSError(f"nothing answers at {parts.hostname}:{port} ({error.strerror or error})") from None


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
        file = database_of(project)  # MLflow would put artifacts below the working directory
        place = f"{file.parent.as_uri()}/mlruns/{quote(name)}" if file else None
        return str(client.create_experiment(name, artifact_location=place))


def deleted(client: MlflowClient) -> list[Experiment]:
    """Our experiments that are in MLflow's trash."""
    return [one for one in client.search_experiments(view_type=ViewType.DELETED_ONLY) if one.name in OURS]


def _rebase(file: Path) -> None:
    """Let what a moved or copied store says of its artifacts mean the folder beside it, and say so.

    Else the copy would write into its original.
    """
    here = file.parent / "mlruns"
    with closing(sqlite3.connect(file)) as database:
        olds = set[Path]()
        for name, location in database.execute("SELECT name, artifact_location FROM experiments"):
            if name in OURS and re.fullmatch(rf"file:.*/mlruns/{name}", location or ""):
                olds |= {Path(url2pathname(urlsplit(location).path)).parent} - {here}
        for old in sorted(olds):
            with database:
                for before, after in ((f"{old.as_uri()}/", f"{here.as_uri()}/"), (f"{old}/", f"{here}/")):
                    for table, column in PLACES:
                        database.execute(
                            f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                            (after, len(before) + 1, len(before), before),
                        )
            print(
                f"note: this project was moved or copied: MLflow's artifacts were kept in {old}, and are now looked "
                f"for, and kept, in {here}",
                file=sys.stderr,
            )
