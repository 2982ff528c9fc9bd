"""reports/seals.json: what holds the lines of each ledger that carry no hash, and how far a ledger was sealed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ferlab.errors import UserError
from ferlab.files import write_json
from ferlab.params.section import Name, Positive, Sha256
from ferlab.records.ledger import LedgerLine, head
from ferlab.records.record import Record, first_fault

FILE = "seals.json"


class Seal(Record):
    """A ledger's first `lines` lines: `sha256` is the hash of the last of them, and so of all."""

    lines: Positive
    sha256: Sha256

    def holds(self, lines: Sequence[LedgerLine]) -> bool:
        """Whether a ledger still begins with the lines that were sealed."""
        return len(lines) >= self.lines and head(lines[: self.lines]) == self.sha256


_SEALS = TypeAdapter(dict[Name, Seal])


def read_seals(reports: Path) -> dict[str, Seal]:
    """Budget -> its ledger's seal, of the folder of all reports; empty where nothing was sealed.

    Raises:
        UserError: the file is damaged.
    """
    path = reports / FILE
    try:
        return _SEALS.validate_json(path.read_bytes()) if path.exists() else {}
    except ValidationError as error:
        raise UserError(
            f"{FILE} holds no seals: {first_fault(error, 'the file')}",
            where=str(path),
            next_step="restore it from git",
        ) from None


def write_seals(reports: Path, seals: Mapping[str, Seal]) -> None:
    """Write them atomically."""
    write_json(reports / FILE, {name: seal.model_dump(mode="json") for name, seal in seals.items()})


def sealed(lines: Sequence[LedgerLine], before: Seal | None, path: Path) -> Seal | None:
    """The seal of a ledger as it is now; None without lines.

    Raises:
        UserError: a line was changed, added or removed, which a new seal would hide.
    """
    wrong = [f"line {number} {said}" for number, said in chain_faults(lines)]
    if before and not before.holds(lines):
        wrong.append(seal_fault(lines, before))
    if wrong:
        raise UserError(
            f"this ledger isn't sealed: {wrong[0]}", where=str(path), next_step="restore it from git; `ferlab verify`"
        )
    last = head(lines)
    return Seal(lines=len(lines), sha256=last) if last else None


def chain_faults(lines: Sequence[LedgerLine]) -> Iterator[tuple[int, str]]:
    """(number of the line, what is wrong) where lines don't follow each other as they were appended."""
    before: str | None = None
    for number, line in enumerate(lines, 1):
        if line.sha256 is None:
            if number > 1 and lines[number - 2].sha256 is not None:
                yield number, "carries no hash, and the line before it does"
            before = line.digest(before)
            continue
        if line.sha256 != line.digest(line.previous):
            yield number, "was changed after it was written: its hash is another"
        if line.previous != before:
            yield number, "doesn't follow the line before it: one above was changed, added or removed"
        before = line.sha256


def seal_fault(lines: Sequence[LedgerLine], seal: Seal | None) -> str:
    """How a ledger's seal doesn't hold it; "" where it does, or where the lines hold themselves."""
    if seal and not seal.holds(lines):
        return f"doesn't begin with the {seal.lines} lines that {FILE} holds: one was changed, added or removed"
    if lines and lines[-1].sha256 is None and (not seal or seal.lines < len(lines)):
        return f"its last lines carry no hash, and {FILE} doesn't hold them"
    return ""
