"""Where each prediction file comes from: its line in the ledger, and whether the two still fit."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferlab.errors import UserError
from ferlab.evaluation.predictions import Predictions
from ferlab.files import sha256_file
from ferlab.params.data import rests_on
from ferlab.records.ledger import LedgerLine, read_ledger

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
    line: LedgerLine | None

    @property
    def doubt(self) -> str:
        """Why its commit isn't the whole truth about what made it; "" where it is."""
        if self.line is None or self.line.dirty == "false":
            return ""
        if self.line.dirty == "unknown":
            return self.line.unknown_because or "nothing says why"
        return "with uncommitted changes" + (f" in {', '.join(self.line.uncommitted)}" if self.line.uncommitted else "")

    @property
    def code(self) -> str:
        """Which code made it, in words."""
        if self.line is None:
            return "unknown: the ledger has no line of it"
        if self.line.dirty == "unknown":
            return f"commit unknown ({self.doubt})"
        clean = "no uncommitted code" + (" or settings" if self.line.uncommitted is not None else "")
        return f"commit {self.line.commit}, {self.doubt or clean}"


def said_of(
    origins: Mapping[str, Mapping[int, Origin]], whose: Callable[[str, LedgerLine | None], str]
) -> dict[tuple[str, int], str]:
    """Arm and seed -> whose the run is, by what `whose` says of its identity and line."""
    return {
        (arm, seed): whose(origin.identity, origin.line)
        for arm, seeds in origins.items()
        for seed, origin in seeds.items()
    }


def counted(said: Mapping[tuple[str, int], str]) -> str:
    """E.g. "2 run here; 6 committed, from commit 1a2b3c4d5e"; "" for none."""
    numbers = Counter(said.values())
    return "; ".join(f"{number} {words}" for words, number in numbers.most_common())


def doubts(origins: Mapping[str, Mapping[int, Origin]]) -> list[str]:
    """A sentence for each kind of doubt about what runs were made with, naming the runs."""
    found: dict[str, list[str]] = {}
    for arm, seeds in origins.items():
        for seed, origin in seeds.items():
            if origin.line is not None and origin.doubt:
                found.setdefault(_sentence(origin.line, origin.doubt), []).append(f"{arm}-{seed}")
    return [f"{sentence}: {', '.join(runs)}." for sentence, runs in found.items()]


def _sentence(line: LedgerLine, doubt: str) -> str:
    if line.dirty == "unknown":
        return f"Made by code whose commit is unknown ({doubt})"
    if line.uncommitted == ["params.yaml"]:
        return f"Made {doubt}; the settings are beside this page and in the ledger"
    return f"Made {doubt}, so no commit holds it"


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
                settings = _same(path, "settings", origin.line.settings, settings)
                data = _same(path, "data", rests_on(origin.line.data), data)
    return found


def _origin(path: Path, run: Predictions, lines: list[LedgerLine]) -> Origin:
    sha256 = sha256_file(path)
    known = [line for line in lines if line.identity == run.run]
    if not known:
        return Origin(run.run, sha256, None)
    same = [line for line in known if line.predictions == sha256]
    if not same:
        raise UserError(
            "this file is not the one that was evaluated: the ledger has another hash for it",
            where=str(path),
            next_step=f"restore it from git, or {_REDO}",
        )
    named = f"{same[-1].arm}-{same[-1].seed}"
    if named != path.stem:
        raise UserError(f"these are the predictions of {named}", where=str(path), next_step=_REDO)
    return Origin(run.run, sha256, same[-1])


def _same(path: Path, what: str, value: Any, before: tuple[str, Any] | None) -> tuple[str, Any]:
    if before is not None and value != before[1]:
        raise UserError(
            f"it was made with other {what} than {before[0]}: one table can't mix budgets",
            where=str(path),
            next_step="run `dvc repro`, which brings old results up to date",
        )
    return path.name, value
