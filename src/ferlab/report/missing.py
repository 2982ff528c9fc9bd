"""What a report should have and hasn't, as an interrupted run leaves it: other than what was edited."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from ferlab.code.git import git
from ferlab.records.ledger import read_ledger
from ferlab.report.evidence import Evidence

RUN_FILES = {"predictions": "parquet", "valid": "parquet", "curves": "csv", "selection": "json"}
"""Folder of reports/<budget>/ -> the ending of its file of a run, all left by one stage."""
MADE = ("numbers.json", "table1.csv", "table1.md", "table1.tex", "index.html")


def is_made(path: Path) -> bool:
    """Whether a file of a report is made of the others: a table, a figure or the page."""
    return path.name in MADE or path.suffix == ".png"


def missing(folder: Path, evidence: Evidence | None) -> list[Path]:
    """Files of reports/<budget>/ that git or the ledger knows and that aren't there; what is made of others is no loss.

    Args:
        evidence: of the folder; None where its settings are missing too.
    """
    gone = {path for path in _deleted(folder) if not is_made(path)}
    if evidence:
        gone |= set(_of_runs(evidence))
    return sorted(gone)


def _deleted(folder: Path) -> list[Path]:
    """Files that are committed and no longer there; none where git can't say."""
    try:
        names = git(folder, "ls-files", "-z", "--deleted", "--", ".").split("\0")
    except (OSError, subprocess.CalledProcessError):
        return []
    return [folder / name for name in names if name]


def _of_runs(evidence: Evidence) -> Iterator[Path]:
    folder, run = evidence.folder, evidence.params.run
    for line in read_ledger(folder / "ledger.jsonl"):
        if line.arm in run.arms and line.seed in run.seeds:
            files = [folder / name / f"{line.arm}-{line.seed}.{ending}" for name, ending in RUN_FILES.items()]
            kept = [path for path in files if path.parent.is_dir() or path.parent.name != "valid"]  # earlier: no valid/
            yield from (path for path in kept if not path.exists())
