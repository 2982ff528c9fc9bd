"""The ledger: published lines are read as they are; a new one says what its number hangs on."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ferlab.errors import UserError
from ferlab.records.ledger import LedgerLine, append, read_ledger
from ferlab.records.seal import chain_faults
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
    assert first.plain() == LINE | {"previous": None, "sha256": first.sha256}
    assert second.predictions == "ee" * 32
    assert second.previous == first.sha256
    assert first.libraries
    assert first.libraries.differences["numpy"] == ("2.2.0", None)


def test_a_hash_is_of_the_whole_line_and_the_one_before(tmp_path: Path) -> None:
    """Computed here from the file's own text: sorted keys, no blanks, without the line's own hash."""
    path = tmp_path / "ledger.jsonl"
    for predictions in ("cd" * 32, "ee" * 32, "ff" * 32):
        append(path, LedgerLine.model_validate_json(json.dumps(LINE | {"predictions": predictions})))
    before = None
    for text in path.read_text().splitlines():
        said = json.loads(text)
        own = said.pop("sha256")
        assert said["previous"] == before
        assert own == hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        before = own


APPENDING = """
import json, sys
from pathlib import Path
from threading import Barrier, Thread
from ferlab.records.ledger import LedgerLine, append

path, line, name, threads, each = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3], 4, 6
together = Barrier(threads)

def work(thread):
    together.wait()
    for i in range(each):
        own = line | {"identity": f"{name}-{thread}-{i}"}
        assert append(path, LedgerLine.model_validate_json(json.dumps(own)))

workers = [Thread(target=work, args=(i,)) for i in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
"""


def test_threads_of_several_processes_append_to_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    words = [sys.executable, "-c", APPENDING, str(path), json.dumps(LINE)]
    processes = [subprocess.Popen([*words, name]) for name in ("a", "b", "c")]
    assert [process.wait() for process in processes] == [0, 0, 0]
    lines = read_ledger(path)
    assert len({line.identity for line in lines}) == len(lines) == 3 * 4 * 6
    assert list(chain_faults(lines)) == []


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
