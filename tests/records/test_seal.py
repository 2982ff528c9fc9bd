"""Seals and chains: today's published lines are held, and every edit of one line, of any key, is seen."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ferlab.errors import UserError
from ferlab.records.ledger import LedgerLine, append, read_ledger
from ferlab.records.seal import FILE, Seal, chain_faults, read_seals, seal_fault, sealed, write_seals
from reports import write_ledger
from temporary import REPOSITORY

REPORTS = REPOSITORY / "reports"
PUBLISHED = sorted(path.parent.name for path in REPORTS.glob("*/ledger.jsonl"))

EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "gan": lambda line: line.update(gan="0" * 16),
    "machine": lambda line: line["machine"].update(cores=64),
    "evaluated": lambda line: line.update(evaluated="2020-01-01T00:00:00+00:00"),
    "trained": lambda line: line.update(trained=["2020-01-01T00:00:00+00:00"] * 2),
    "mlflow_run": lambda line: line.update(mlflow_run="0" * 32),
    "commit": lambda line: line.update(commit="0" * 40),
    "dirty": lambda line: line.update(dirty="unknown"),
    "lock": lambda line: line.update(lock="0" * 64),
    "package": lambda line: line.update(package="0" * 64),
    "checkpoint": lambda line: line.update(checkpoint="0" * 64),
    "tuned_by": lambda line: line.update(tuned_by={"study": "tune-none", "trial": 0, "identity": "0" * 16}),
}


def found(path: Path, seal: Seal | None = None) -> list[str]:
    lines = read_ledger(path)
    return [f"line {number} {said}" for number, said in chain_faults(lines)] + (
        [said] if (said := seal_fault(lines, seal)) else []
    )


def trees(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text().splitlines()]


def write(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_lines_are_held(name: str) -> None:
    assert found(REPORTS / name / "ledger.jsonl", read_seals(REPORTS)[name]) == []


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("name", PUBLISHED)
def test_no_published_line_can_be_edited(name: str, edit: Callable[[Any], object], tmp_path: Path) -> None:
    """Nor where later lines are chained to those, whatever the seal says."""
    path = tmp_path / "ledger.jsonl"
    lines = trees(REPORTS / name / "ledger.jsonl")
    edit(lines[0])
    write(path, lines)
    seal = read_seals(REPORTS)[name]
    said = f"doesn't begin with the {seal.lines} lines that seals.json holds: one was changed, added or removed"
    if "sha256" not in lines[seal.lines - 1]:  # a chained line's hash covers all before it
        assert said in found(path, seal)
    assert found(path)


@pytest.fixture
def chained(tmp_path: Path) -> Path:
    """Nine published lines, and three appended to them, which carry hashes."""
    path = tmp_path / "ledger.jsonl"
    shutil.copyfile(REPORTS / "gpu" / "ledger.jsonl", path)
    for i, line in enumerate(trees(path)[:3]):
        append(path, LedgerLine.model_validate_json(json.dumps(line | {"identity": f"{i:016x}"})))
    assert found(path) == []
    return path


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_no_chained_line_can_be_edited(edit: Callable[[Any], object], chained: Path) -> None:
    lines = trees(chained)
    edit(lines[-2])
    write(chained, lines)
    assert found(chained) == [f"line {len(lines) - 1} was changed after it was written: its hash is another"]


@pytest.mark.parametrize("row", [0, 4, 8])
def test_lines_before_the_chain_are_held_by_it(row: int, chained: Path) -> None:
    lines = trees(chained)
    EDITS["gan"](lines[row])
    write(chained, lines)
    assert found(chained) == ["line 10 doesn't follow the line before it: one above was changed, added or removed"]


BREAKS: list[tuple[Callable[[list[Any]], object], str]] = [
    (lambda lines: lines.pop(10), "line 11 doesn't follow"),
    (lambda lines: lines.pop(0), "line 9 doesn't follow"),
    (lambda lines: lines.insert(10, lines[9]), "line 11 doesn't follow"),
    (lambda lines: lines.reverse(), "line 1 doesn't follow"),
    (lambda lines: [lines[-1].pop(key) for key in ("previous", "sha256")], "line 12 carries no hash"),
    (lambda lines: lines[-1].update(previous="0" * 64), "line 12 was changed"),
]


@pytest.mark.parametrize(("change", "said"), BREAKS)
def test_lines_cant_be_added_removed_moved_or_stripped(
    change: Callable[[Any], object], said: str, chained: Path
) -> None:
    lines = trees(chained)
    change(lines)
    write(chained, lines)
    assert found(chained)[0].startswith(said)


def test_a_ledger_that_went_on_is_held_as_far_as_it_was_sealed(chained: Path) -> None:
    """What no chain shows: a last line that is taken away, and a rewrite that chains all anew."""
    seal = sealed(read_ledger(chained)[:-1], None, chained)
    assert seal
    assert found(chained, seal) == []
    lines = trees(chained)
    write(chained, lines[:-2])
    assert found(chained) == []
    assert found(chained, seal) != []
    EDITS["gan"](lines[0])
    write_ledger(chained, lines)
    assert found(chained) == []
    assert found(chained, seal) != []


def test_a_new_seal_hides_nothing(chained: Path) -> None:
    before = sealed(read_ledger(chained), None, chained)
    lines = trees(chained)
    write_ledger(chained, lines[:-1])
    with pytest.raises(UserError, match="isn't sealed: doesn't begin with the 12 lines"):
        sealed(read_ledger(chained), before, chained)
    write(chained, [*lines[:-1], lines[-1] | {"gan": "0" * 16}])
    with pytest.raises(UserError, match="isn't sealed: line 12 was changed"):
        sealed(read_ledger(chained), None, chained)
    assert sealed([], None, chained) is None


def test_seals_are_read_as_written_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    assert read_seals(tmp_path) == {}
    seals = {"tiny": Seal(lines=2, sha256="ab" * 32)}
    write_seals(tmp_path, seals)
    assert read_seals(tmp_path) == seals
    (tmp_path / FILE).write_text('{"tiny": {"lines": 0, "sha256": ""}}')
    with pytest.raises(UserError, match="holds no seals: tiny"):
        read_seals(tmp_path)
