"""Results laid over those of the same budget that are there: what changes, and what both are then results of."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ferlab.files import content_files, write_text
from ferlab.params.budgets import WHOLE
from ferlab.params.migration import load_published
from ferlab.report.check import TEXTS
from ferlab.yaml_file import dump_yaml, overlay, read_yaml

LEDGER, LOCK, PARAMS = "ledger.jsonl", "dvc.lock", "params.yaml"


def lay(sent: Path, budget: str, folder: Path) -> list[str]:
    """Lay what `ferlab reproduce --bring` left in `sent` over reports/<budget>/.

    Not the ledger, which is appended to, nor what is made of results: tables, numbers, page and figures. Settings and
    dvc.lock are kept with the results.

    Returns:
        Files that were there and are others now.
    """
    report = sent / "reports" / budget
    files = {str(name): report / name for name in content_files(report) if not _is_made(name) and str(name) != LEDGER}
    files |= {name: sent / name for name in (LOCK, PARAMS) if (sent / name).is_file()}
    folder.mkdir(parents=True, exist_ok=True)
    _join_runs(folder / PARAMS, sent / PARAMS)
    replaced = []
    for name, source in files.items():
        target = folder / name
        if target.exists():
            if target.read_bytes() == source.read_bytes():
                continue
            replaced.append(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return replaced


def _is_made(name: Path) -> bool:
    """Whether a file of a report is the report stage's."""
    return len(name.parts) == 1 and (name.name in TEXTS or name.suffix == ".png")


def _join_runs(here: Path, sent: Path) -> None:
    """Let new settings name what has been run here too, where they are equal but for that: two nodes, one table."""
    if not here.is_file():
        return
    ours, theirs = (load_published(path).model_dump(mode="json", exclude={"runtime"}) for path in (here, sent))
    before, after = ours.pop("run"), theirs.pop("run")
    if ours == theirs and before != after:
        tree = read_yaml(sent)
        overlay(tree, {"run": {key: _union(before[key], after[key]) for key in after}}, WHOLE)
        write_text(sent, dump_yaml(tree))


def _union(first: Any, second: Any) -> Any:
    if isinstance(first, Mapping):
        return {**first, **second}
    return [*first, *(one for one in second if one not in first)]
