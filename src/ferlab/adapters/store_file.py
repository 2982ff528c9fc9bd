"""The file that a store is: whether it is MLflow's at all, and made whole."""

import sqlite3
from contextlib import closing
from pathlib import Path

from mlflow.store.db.utils import _get_latest_schema_revision

from ferlab.errors import UserError
from ferlab.files import must_be_a_file

_AWAY = "move it away, and a new store is made in its place; what reports/ holds stays"


def must_be_mlflows(file: Path) -> None:
    """Refuse a file that MLflow can't use, or in which it would lay its tables among another program's.

    Raises:
        UserError: it is a folder or the like, no database, a damaged one, or another program's.
    """
    must_be_a_file(file, _AWAY)
    if not file.is_file() or not file.stat().st_size:
        return
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            columns = {column for _, column, *_ in database.execute("PRAGMA table_info(experiments)")}
    except sqlite3.OperationalError:  # it is locked, or may not be read, which whoever opens it hears
        return
    except sqlite3.DatabaseError as error:
        raise UserError(f"this is no database that can be read: {error}", where=str(file), next_step=_AWAY) from None
    if "experiment_id" not in columns and not tables <= {"alembic_version"}:
        some = ", ".join(sorted(tables)[:3])
        raise UserError(f"this is another program's database (tables {some})", where=str(file), next_step=_AWAY)


def is_half_made(file: Path) -> bool:
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
