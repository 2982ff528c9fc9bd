"""Whose a number is: run in this checkout, or committed from elsewhere; and whether MLflow has its run here."""

import sqlite3
import subprocess
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ferlab.code.git import git
from ferlab.project import Project
from ferlab.records.ledger import LedgerLine, note_of

HERE = "run here"


@dataclass(frozen=True)
class Whose:
    """Says it of the runs of one report.

    Attributes:
        folder: reports/<budget>/ of the project.
    """

    project: Project
    folder: Path

    def is_here(self, identity: str) -> bool:
        """Whether a training ran in this checkout, as far as .ferlab/ remembers."""
        return note_of(self.project.state, identity).is_file()

    def of(self, identity: str, line: LedgerLine | None) -> str:
        """In words, such as `run here` or `committed, from commit 1a2b3c4d5e`."""
        if self.is_here(identity):
            return HERE
        if line is None:
            return "not run here, and not in the ledger"
        origin = f"from commit {line.commit[:10]}" if line.commit != "unknown" else "from an unknown commit"
        return f"committed, {origin}" if line.predictions in self._committed else f"not run here, {origin}"

    def of_all(self, runs: Collection[tuple[str, LedgerLine | None]]) -> str:
        """The same of several runs, given as identity and line: each answer once, with how many it is of."""
        said = [self.of(*run) for run in runs]
        counted = {words: said.count(words) for words in said}
        if len(counted) == 1:
            return next(iter(counted))
        return "; ".join(f"{words} ({number} of {len(said)})" for words, number in counted.items())

    @cached_property
    def _committed(self) -> frozenset[str]:
        """Hashes of the predictions that the ledger of HEAD names."""
        path = (self.folder / "ledger.jsonl").relative_to(self.project.root).as_posix()
        try:
            text = git(self.project.root, "show", f"HEAD:./{path}")
        except (OSError, subprocess.CalledProcessError):
            return frozenset()
        return frozenset(word for word in text.split('"') if len(word) == 64)


def is_in_store(project: Project, run: str) -> bool | None:
    """Whether this project's MLflow store has a run; None where the store is no file, and would have to be asked."""
    path = project.tracking_file
    if path is None:
        return None
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            return database.execute("SELECT 1 FROM runs WHERE run_uuid = ?", (run,)).fetchone() is not None
    except sqlite3.Error:  # no store of MLflow yet
        return False
