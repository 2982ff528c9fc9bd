"""The ledger: published lines are read as they are; a new one says what its number hangs on."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ferlab.errors import UserError
from ferlab.records.ledger import LedgerLine, append, read_ledger
from temporary import REPOSITORY

PUBLISHED = sorted((REPOSITORY / "reports").glob("*/ledger.jsonl"))

LINE: dict[str, Any] = {
    "identity": "0" * 16, "arm": "svm", "seed": 0, "manifest": {"device": "cpu"}, "settings": {"C": 1.0},
    "tuned_by": None, "data": {"kind": "demo"}, "checkpoint": "ab" * 32, "gan": None, "predictions": "cd" * 32,
    "valid_accuracy": 0.5, "test_accuracy": 1, "mlflow_run": None, "trained": None,
    "evaluated": "2026-01-01T00:00:00+00:00", "circumstances_of": "training", "commit": "unknown", "dirty": "unknown",
    "uncommitted": [], "unknown_because": "there is no git", "package": "ef" * 32, "lock": None,
    "machine": {
        "system": "Linux", "processor": "x86_64", "cpu": "A", "gpu": "B", "cores": 2, "memory_gib": 8,
        "python": "3.11.7",
    },
    "instructions": {"asked": "avx2", "torch": "AVX2", "blas": ["openblas 0.3 Haswell"], "variables": {"A": "b"}},
    "libraries": {
        "torch": "2.14.1", "cuda": None, "cudnn": None, "matmul_precision": "highest", "convolution_tf32": None,
        "differences": {"numpy": ["2.2.0", None], "torch": ["2.14.1", "2.11.0"]},
    },
}  # fmt: skip


def test_there_are_published_ledgers() -> None:
    assert len(PUBLISHED) >= 4


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.parent.name)
def test_a_published_ledger_is_read_and_would_be_written_as_it_is(path: Path) -> None:
    published = [json.loads(text) for text in path.read_text().splitlines()]
    assert [line.plain() for line in read_ledger(path)] == published


def test_what_is_appended_is_read_again_and_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "ledger.jsonl"
    line = LedgerLine.model_validate_json(json.dumps(LINE))
    assert read_ledger(path) == []
    assert append(path, line)
    assert not append(path, line.model_copy(update={"evaluated": "later"}))
    assert append(path, line.model_copy(update={"predictions": "ee" * 32}))
    first, second = read_ledger(path)
    assert first == line
    assert first.plain() == LINE
    assert second.predictions == "ee" * 32
    assert first.libraries
    assert first.libraries.differences["numpy"] == ("2.2.0", None)


def test_a_commit_that_holds_a_result_after_all_is_put_on_record_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    line = LedgerLine.model_validate_json(json.dumps(LINE))
    dirty, clean = (line.model_copy(update={"dirty": dirty}) for dirty in ("true", "false"))
    assert append(path, dirty)
    assert append(path, clean)
    assert not append(path, clean)
    assert not append(path, dirty)
    assert [known.dirty for known in read_ledger(path)] == ["true", "false"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{cut off", "the line: invalid json"),
        ("[]", "the line: "),
        (json.dumps(LINE | {"seed": "0"}), "seed: "),
        (json.dumps(LINE | {"dirty": "clean"}), "dirty: "),
        (json.dumps(LINE | {"of_a_later_version": 1}), "of_a_later_version: "),
        (json.dumps({key: value for key, value in LINE.items() if key != "predictions"}), "predictions: "),
    ],
)
def test_a_line_that_is_none_is_numbered(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text(f"{json.dumps(LINE)}\n{text}\n")
    with pytest.raises(UserError, match=f"line 2 is not a ledger's line: {re.escape(said)}"):
        read_ledger(tmp_path / "ledger.jsonl")
