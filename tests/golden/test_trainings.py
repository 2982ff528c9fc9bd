"""Golden records: what each training did at each of its first steps, to the last bit.

A change of structure leaves them as they are. A change of numerics records them anew, and its commit says why:
`python tests/support/golden.py > tests/golden/MAKER/trainings.json`, on a processor of each maker (decision 006).
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from processor import on_record
from small import REPOSITORY

RECORD = on_record("trainings.json")
KINDS = [(kind, name) for kind, names in RECORD.items() for name in names]


@pytest.fixture(scope="module")
def now() -> Any:
    """The same trainings in a process of their own, whose libraries haven't chosen their kernels yet."""
    words = [sys.executable, str(REPOSITORY / "tests" / "support" / "golden.py")]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize(("kind", "name"), KINDS, ids=[name for _, name in KINDS])
def test_every_step_is_the_recorded_one(now: Any, kind: str, name: str) -> None:
    found, wanted = now[kind][name], RECORD[kind][name]
    for step, (row, known) in enumerate(zip(found["steps"], wanted["steps"], strict=True), 1):
        assert row == known, f"{name} parts from its record at step {step}"
    assert found == wanted


def test_every_family_and_classifier_is_on_record(now: Any) -> None:
    assert {kind: sorted(names) for kind, names in now.items()} == {k: sorted(n) for k, n in RECORD.items()}
