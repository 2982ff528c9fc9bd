"""Where things lie: one project folder, named once."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferlab.errors import UserError

NODE = "FERLAB_NODE"  # the variable that says to a task that its project is a node's, and gone when it has ended
_VARIANTS = (".ferlab", "ablation", "variants")


@dataclass(frozen=True)
class Project:
    """Paths of a ferlab project.

    `root` is the checkout that a command works on. `home` is the same, except inside the temporary copies that
    `dvc exp run --temp` and `--queue` make, and inside the variants that `ferlab ablate` lays for other parameters:
    there it is the checkout that the user typed the command in, so that runs and checkpoints outlive the copy.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """The project that holds `start` (default: the working directory).

        Raises:
            UserError: no folder upwards holds both params.yaml and dvc.yaml, or the working directory is gone.
        """
        try:
            start = (start or Path.cwd()).resolve()
        except FileNotFoundError:
            raise UserError("the folder that you are in is gone", next_step="`cd` to where your clone is now") from None
        for folder in (start, *start.parents):
            if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
                return cls(folder)
        raise UserError(
            "this is not a ferlab project: no params.yaml and dvc.yaml here or above",
            where=str(start),
            next_step="go to your clone of ferlab and type the command there",
        )

    @property
    def home(self) -> Path:
        parts = self.root.parts
        for i in range(len(parts) - 2):
            if parts[i : i + 3] in ((".dvc", "tmp", "exps"), _VARIANTS):
                return Path(*parts[:i])
        return self.root

    @property
    def code_home(self) -> Path:
        """The folder whose code, commit and locked versions count: the root, or a variant's home."""
        return self.home if self.variant else self.root

    @property
    def variants(self) -> Path:
        """The folder of the variants of this project."""
        return self.home.joinpath(*_VARIANTS)

    @property
    def variant(self) -> str:
        """The name of a variant; "" for a checkout."""
        return self.root.name if self.root.parent == self.variants else ""

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def paper(self) -> Path:
        """The paper that this study rebuilds, if it isn't the one that ships with ferlab."""
        return self.root / "paper.yaml"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def state(self) -> Path:
        """What is in flight: checkpoints by identity, locks, the tuning database. Never a DVC out."""
        return self.home / ".ferlab"

    def reports(self, budget: str) -> Path:
        """The folder of a budget's report.

        Raises:
            UserError: what is given is no name of a folder there.
        """
        if budget in ("", ".", "..") or "/" in budget.rstrip("/"):
            where, step = str(self.root / "reports"), "a budget is called as its file in budgets/, such as trial"
            raise UserError(f"there is no budget '{budget}'", where=where, next_step=step)
        return self.root / "reports" / budget

    @property
    def tracking_uri(self) -> str:
        """MLflow's store: MLFLOW_TRACKING_URI, else MLflow's own default place, seen from the project's home."""
        return os.environ.get("MLFLOW_TRACKING_URI") or _sqlite(self.home / "mlflow.db")

    @property
    def tracking_file(self) -> Path | None:
        """The file that MLflow's store is; None of a server, or of an address that is none."""
        from sqlalchemy.engine import make_url  # late: most commands need none
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(self.tracking_uri)
        except (ArgumentError, ValueError):  # the latter: a port that is no number
            return None
        is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        return Path(str(url.database)).absolute() if is_file else None

    def in_store(self, sql: str, *values: str) -> list[tuple[Any, ...]] | None:
        """Rows of MLflow's store where that is a file, read without MLflow, whose imports take seconds.

        Returns:
            None where it is no file, isn't there yet, or isn't a store of the version that `sql` is written for.
        """
        import sqlite3  # late: most commands need none
        from contextlib import closing

        file = self.tracking_file
        if file is None or not file.is_file():
            return None
        try:
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as store:
                return store.execute(sql, values).fetchall()
        except sqlite3.Error:
            return None

    @property
    def study_uri(self) -> str:
        """Optuna's storage: FERLAB_STUDY_STORAGE, else a file of the project's own."""
        return os.environ.get("FERLAB_STUDY_STORAGE") or _sqlite(self.state / "optuna.db")


def _sqlite(path: Path) -> str:
    """The URL of an SQLite file, whatever characters its path has."""
    from sqlalchemy.engine import URL  # late: most commands need none

    return URL.create("sqlite", database=str(path)).render_as_string()
