"""Optuna's storage: studies that several processes work on."""

import hashlib
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from filelock import FileLock, Timeout
from optuna.exceptions import OptunaError
from sqlalchemy.exc import SQLAlchemyError

from ferlab.errors import UserError
from ferlab.files import which_folder
from ferlab.training.identity import changes

PATIENCE = 60.0  # seconds that a process waits for an SQLite file that another one writes
MANIFEST = "ferlab.manifest"  # an attribute: what a study is about


@dataclass(frozen=True)
class Storage:
    """Where studies live.

    Attributes:
        url: any storage URL of Optuna.
        locks: a folder of this machine in which workers lock the trials they are at; the kernel frees a dead one's.
    """

    url: str
    locks: Path

    @property
    def shown(self) -> str:
        """The URL without its password."""
        try:
            return sqlalchemy.make_url(self.url).render_as_string(hide_password=True)
        except SQLAlchemyError:
            return self.url

    def lock(self, name: str) -> FileLock:
        self.locks.mkdir(parents=True, exist_ok=True)
        return FileLock(self.locks / f"{name}.lock")

    @property
    def is_server(self) -> bool:
        """Whether it may be away for a while, as a file can't."""
        return not self.url.startswith("sqlite")

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Keep the other workers out of what this name stands for: this machine's; on PostgreSQL all."""
        with self.lock(name):
            if not self.url.startswith("postgres"):
                yield
                return
            key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
            engine = sqlalchemy.create_engine(self.url, poolclass=sqlalchemy.NullPool)
            with engine.connect() as connection:  # whose end frees the lock, also where a kill ends it
                connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": key})
                yield

    def is_held(self, name: str) -> bool:
        """Whether a living process holds the lock of this name."""
        lock = self.lock(name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    @property
    def owner(self) -> str:
        """The machine and folder whose locks can tell whether a trial's worker still lives."""
        return f"{socket.gethostname()}:{self.locks}"

    @cached_property
    def place(self) -> str:
        """The folder of locks itself, whatever machine or path it is seen from; a copy of it is another."""
        return which_folder(self.locks)


@contextmanager
def storage_errors(storage: Storage) -> Iterator[None]:
    """Turn what a database raises into a UserError that names the storage, without its password."""
    try:
        yield
    except (SQLAlchemyError, OptunaError, ImportError, RuntimeError) as error:
        if (
            isinstance(error, RuntimeError)
            and not isinstance(error, OptunaError)
            and "optuna" not in str(error).lower()
        ):
            raise
        cause = str(getattr(error, "orig", None) or error.__cause__ or error).splitlines()[0]
        way_out = (
            "another version of Optuna made that database: `optuna storage upgrade`, with a backup at hand, or use the "
            "Optuna that made it"
            if "table schema" in str(error)
            else "wait, if another program holds it locked, or a server is away; else check the URL (--storage, "
            "FERLAB_STUDY_STORAGE), or leave it out to use the project's own"
        )
        raise UserError(
            f"the study's storage can't be used: {cause}", where=storage.shown, next_step=way_out
        ) from error


def open_study(
    storage: Storage, name: str, manifest: Mapping[str, Any], pruner: optuna.pruners.BasePruner | None = None
) -> optuna.Study:
    """A study by name, made if there is none. The first caller makes the schema while others wait.

    Args:
        manifest: what the study is about; kept with it.
        pruner: which trials are stopped early; default: Optuna's own.

    Raises:
        UserError: the storage can't be used, belongs to another program, or its study of that name is about something
            else. Nothing is written then.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise UserError(f"'{name}' can't name a study", next_step="use letters, digits, dots and dashes")
    with storage_errors(storage), storage.alone("schema"):
        sqlite = not storage.is_server
        options: dict[str, Any] = {"connect_args": {"timeout": PATIENCE}} if sqlite else {"pool_pre_ping": True}
        engine = sqlalchemy.create_engine(storage.url, **options)
        try:
            tables = sqlalchemy.inspect(engine).get_table_names()
        finally:
            engine.dispose()
        if tables and "studies" not in tables:
            raise UserError(
                f"this database holds tables of another program ({', '.join(sorted(tables)[:3])}, …)",
                where=storage.shown,
                next_step="name another database for studies",
            )
        database = optuna.storages.RDBStorage(storage.url, engine_kwargs=options)
        known = name in optuna.get_all_study_names(database)
        study = optuna.create_study(
            storage=database, study_name=name, direction="maximize", load_if_exists=True, pruner=pruner
        )
        if not known:
            study.set_user_attr(MANIFEST, dict(manifest))
    before = study.user_attrs.get(MANIFEST)
    if before is None:
        raise UserError(
            f"the study '{name}' was not made by ferlab", where=storage.shown, next_step="choose another name (--study)"
        )
    if before != manifest:
        raise UserError(
            f"the study '{name}' was made with other parameters: " + "; ".join(changes(before, manifest)),
            where=storage.shown,
            next_step="go back to those, or choose another name (--study)",
        )
    return study
