"""Where each prediction file comes from: its line in the ledger, and whether the two still fit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferlab.errors import UserError
from ferlab.evaluation.predictions import Predictions
from ferlab.files import sha256_file

_REDO = "`dvc repro` makes it anew"


@dataclass(frozen=True)
class Origin:
    """Of one prediction file.

    Attributes:
        identity: of the training.
        sha256: of the file.
        line: of the ledger; None where the ledger knows nothing of the run.
    """

    identity: str
    sha256: str
    line: Mapping[str, Any] | None

    @property
    def dirty(self) -> bool:
        """Whether it was made by code that differed from its commit."""
        return self.line is not None and self.line.get("dirty") == "true"


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """All lines of a ledger, oldest first; none where there is no ledger.

    Raises:
        UserError: a line isn't a JSON object with an identity and the hash of predictions; it is numbered.
    """
    lines: list[dict[str, Any]] = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else [], 1):
        try:
            line = json.loads(text)
            line["identity"], line["predictions"]
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"line {number} is not a ledger's line: {error}", where=str(path), next_step="restore it from git"
            ) from None
        lines.append(line)
    return lines


def origins(
    folder: Path, runs: Mapping[str, Mapping[int, Predictions]], plans: Mapping[str, Any]
) -> dict[str, dict[int, Origin]]:
    """Arm -> seed -> where its predictions come from.

    Args:
        folder: reports/<budget>/.
        plans: arms.json.

    Raises:
        UserError: a prediction file was changed after it was evaluated; or the runs of one table were made with
            different settings or data (mixed budgets). The file is named.
    """
    lines = read_ledger(folder / "ledger.jsonl")
    found: dict[str, dict[int, Origin]] = {}
    data: tuple[str, Any] | None = None
    for arm, seeds in runs.items():
        settings: tuple[str, Any] | None = ("arms.json", plans[arm]["settings"]) if arm in plans else None
        for seed, run in seeds.items():
            path = folder / "predictions" / f"{arm}-{seed}.parquet"
            found.setdefault(arm, {})[seed] = origin = _origin(path, run, lines)
            if origin.line is not None:
                settings = _same(path, "settings", origin.line.get("settings"), settings)
                data = _same(path, "data", origin.line.get("data"), data)
    return found


def _origin(path: Path, run: Predictions, lines: list[dict[str, Any]]) -> Origin:
    sha256 = sha256_file(path)
    known = [line for line in lines if line["identity"] == run.run]
    if not known:
        return Origin(run.run, sha256, None)
    same = [line for line in known if line["predictions"] == sha256]
    if not same:
        raise UserError(
            "this file is not the one that was evaluated: the ledger has another hash for it",
            where=str(path),
            next_step=f"restore it from git, or {_REDO}",
        )
    named = f"{same[-1].get('arm')}-{same[-1].get('seed')}"
    if named != path.stem:
        raise UserError(f"these are the predictions of {named}", where=str(path), next_step=_REDO)
    return Origin(run.run, sha256, same[-1])


def _same(path: Path, what: str, value: Any, before: tuple[str, Any] | None) -> tuple[str, Any]:
    if before is not None and value != before[1]:
        raise UserError(
            f"it was made with other {what} than {before[0]}: budgets don't mix in one table",
            where=str(path),
            next_step="run `dvc repro`, which brings old results up to date",
        )
    return path.name, value
