"""An MLflow store that was moved or copied with its project: whole paths that have to mean another folder."""

import re
import sqlite3
import sys
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns in which MLflow keeps whole paths."""


def rebase(file: Path, experiments: Collection[str]) -> None:
    """Let what a moved or copied store says of its artifacts mean the folder beside it, and say so.

    Else the copy would write into its original.

    Args:
        experiments: names of those whose artifacts ferlab itself has placed.
    """
    here = file.parent / "mlruns"
    with closing(sqlite3.connect(file)) as database:
        olds = set[Path]()
        for name, location in database.execute("SELECT name, artifact_location FROM experiments"):
            if name in experiments and re.fullmatch(rf"file:.*/mlruns/{name}", location or ""):
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
