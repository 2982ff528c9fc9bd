"""Whether the lines of a ledger are what was written: by their own hashes, by a seal, and by git's history."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ferlab.code.history import LOCK, Held, held_by
from ferlab.errors import UserError
from ferlab.records.ledger import LedgerLine, read_ledger
from ferlab.records.seal import Seal, chain_faults, seal_fault
from ferlab.training.identity import Identity


def ledger_faults(path: Path, seal: Seal | None) -> Iterator[str]:
    """Each line must name its training by its manifest, and stand where it was appended.

    Args:
        seal: of this ledger.
    """
    lines = read_ledger(path)
    for number, line in enumerate(lines, 1):
        name = Identity(line.manifest).name
        if name != line.identity:
            yield f"{path}, line {number}: identity is {line.identity}, and its manifest gives {name}"
    for number, said in chain_faults(lines):
        yield f"{path}, line {number}: {said}"
    if said := seal_fault(lines, seal):
        yield f"{path}: {said}"


@dataclass(frozen=True)
class ByGit:
    """What git's history says of a ledger.

    Attributes:
        faults: one sentence each: a line says of its code or locked versions what its commit doesn't hold.
        unknown: how many lines git can't say anything of here: their commit is none, or absent, or wasn't all.
        lines: how many there are.
    """

    faults: list[str]
    unknown: int
    lines: int


def held_against_git(path: Path, root: Path) -> ByGit:
    """Compare the hashes of code and requirements.lock in each line with those of its commit; none of a damaged ledger.

    The hash of a method's code alone isn't compared: the package's, which stands beside it, covers it.

    Args:
        path: the ledger.
        root: the project's folder.
    """
    at = cache(lambda commit: held_by(root, commit))
    try:
        faults, unknown, lines = [], 0, read_ledger(path)
    except UserError:
        return ByGit([], 0, 0)  # `ledger_faults` says so
    for number, line in enumerate(lines, 1):
        held = at(line.commit)
        edited = _edited(line)
        if held is None or edited:
            unknown += 1
        if held is not None:
            wrong = ", ".join(_unlike(line, held, edited))
            faults += [f"{path}, line {number}: commit {line.commit[:10]} has different {wrong}"] if wrong else []
    return ByGit(faults, unknown, len(lines))


def _edited(line: LedgerLine) -> set[str]:
    """What of code and lock differed from the line's commit, or may have."""
    if line.dirty == "false":
        return set()
    return {"src", LOCK} & set(line.uncommitted if line.uncommitted is not None else ("src", LOCK))


def _unlike(line: LedgerLine, held: Held, edited: set[str]) -> Iterator[str]:
    if LOCK not in edited and line.lock != held.lock:
        yield LOCK
    if "src" not in edited:
        if line.package is not None and line.package != held.package:
            yield "code"
        rooms = line.manifest.get("code")
        for room, said in rooms.items() if isinstance(rooms, dict) else ():
            if held.rooms.get(room, said) != said:
                yield f"code of {room}"
