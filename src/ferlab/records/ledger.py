"""The ledger: who, when and where, one line a result, appended and never rewritten.

Each line carries a hash of all that it says and of the hash of the line before it, so that none can be changed,
added or removed alone. Lines of earlier versions carry none: a seal holds those (`records.seal`).
"""

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from ferlab.code.git import git
from ferlab.errors import UserError
from ferlab.files import canonical_json
from ferlab.params.section import Sha256
from ferlab.records.record import Record, first_fault

Known = Literal["true", "false", "unknown"]


class Machine(Record):
    """What a number may depend on beside code and data. No host name: it would tell where, not what.

    Attributes:
        cpu: the processor's own name; None in the first lines.
        gpu: the name of the GPU that was used; None where none was.
    """

    system: str
    processor: str
    cpu: str | None = None
    gpu: str | None = None
    cores: int | None
    memory_gib: int
    python: str


class Instructions(Record):
    """Which of the processor's instructions the libraries kept to.

    Attributes:
        asked: params.yaml's compute.instructions.
        torch: what torch says that it uses, such as AVX2.
        blas: the libraries of matrix products in use, with their versions and kernels.
        variables: of the environment, that keep libraries to an instruction set.
    """

    asked: str
    torch: str
    blas: list[str]
    variables: dict[str, str]


class Libraries(Record):
    """Versions and settings of what computes.

    Attributes:
        cuda, cudnn: that torch is built with and finds; None without.
        matmul_precision: of float32 products, by torch's name: highest, high or medium.
        convolution_tf32: whether float32 convolutions on a GPU may round to TF32; None without one.
        differences: what isn't installed as requirements.lock has it: name to its version there and here. None
            stands for absent; without a lock, every package is listed.
        parts: the packages that bring parts of their own to ferlab, name to version; None where there are none.
    """

    torch: str
    cuda: str | None
    cudnn: int | None
    matmul_precision: str
    convolution_tf32: bool | None
    differences: dict[str, tuple[str | None, str | None]]
    parts: dict[str, str] | None = None


class Circumstances(Record):
    """What made a result beside its parameters and data. Lines of earlier versions lack what is None.

    Attributes:
        commit: of the project; "unknown" where git couldn't say.
        dirty: whether the project differs from that commit; `uncommitted` says in which files.
        unknown_because: why the commit is unknown, else "".
        package: SHA-256 of the code that ran, as code.json names it.
        lock: SHA-256 of requirements.lock; None where there is none.
    """

    commit: str
    dirty: Known
    uncommitted: list[str] | None = None
    unknown_because: str | None = None
    package: str | None = None
    lock: str | None
    machine: Machine
    instructions: Instructions | None = None
    libraries: Libraries | None = None


class LedgerLine(Circumstances):
    """One evaluated training.

    Attributes:
        identity, manifest: of the training: its name, and what that is the hash of.
        settings: of the classifier, searched values filled in.
        tuned_by: the search's identity, study and trial; None for the settings of params.yaml.
        data: the section of params.yaml.
        gan: the identity of the training that made the added images.
        checkpoint, predictions: SHA-256 of the run's folder and of the prediction file.
        circumstances_of: which process was asked for them; the evaluation, where the training's aren't known here.
        trained: the training's start and end; `evaluated`: when its line was written. UTC.
        previous: the hash of the line before it; None for the first.
        sha256: the line's own hash, as `digest` says. Lines of earlier versions have neither.
    """

    identity: str
    arm: str
    seed: int
    manifest: dict[str, Any]
    settings: dict[str, Any]
    tuned_by: dict[str, str | int] | None = None
    data: dict[str, Any]
    checkpoint: str
    gan: str | None = None
    predictions: str
    valid_accuracy: float
    test_accuracy: float
    mlflow_run: str | None
    circumstances_of: Literal["training", "evaluation"] = "evaluation"
    trained: list[str | None] | None
    evaluated: str
    previous: Sha256 | None = None
    sha256: Sha256 | None = None

    def plain(self) -> dict[str, Any]:
        """JSON types: what was written, without what a line of an earlier version lacks."""
        return self.model_dump(mode="json", exclude_unset=True)

    def digest(self, previous: str | None) -> str:
        """Hex SHA-256 of the line as canonical JSON: all but its own hash, with `previous` as the hash before it."""
        said = {key: value for key, value in self.plain().items() if key != "sha256"} | {"previous": previous}
        return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def note_of(state: Path, identity: str) -> Path:
    """The file below .ferlab/ that says what a training ran with here; there only where it did run."""
    return state / "trained" / f"{identity}.json"


def head(lines: Iterable[LedgerLine]) -> str | None:
    """The hash of the last line, which stands for all of them; None without lines. One without a hash is given it."""
    last = None
    for line in lines:
        last = line.sha256 or line.digest(last)
    return last


def read_ledger(path: Path) -> list[LedgerLine]:
    """All lines of a ledger, of this or an earlier version, oldest first; none where there is no ledger.

    Raises:
        UserError: a line is damaged, or of a version that this one doesn't know; it is numbered.
    """
    try:
        texts = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except UnicodeDecodeError as error:
        raise UserError(
            f"this is no ledger: byte {error.start} is no text", where=str(path), next_step="restore it from git"
        ) from None
    return [_read(text, number, path) for number, text in enumerate(texts, 1)]


def _read(text: str, number: int, path: Path) -> LedgerLine:
    try:
        return LedgerLine.model_validate_json(text)
    except ValidationError as error:
        raise UserError(
            f"line {number} is not a ledger's line: {first_fault(error, 'the line')}",
            where=str(path),
            next_step="restore it from git; if a newer ferlab wrote it, read it with that one",
        ) from None


def append(path: Path, line: LedgerLine) -> bool:
    """Append one result, chained to the last line, unless there is a line of the same identity and predictions.

    One that a commit holds is appended too where no line of it says so: the code was committed since. Whatever hashes
    the line carries are replaced: they are of the ledger that it stands in. Threads and processes may append at once.

    Returns:
        Whether it was appended.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # each opening has its own, so threads wait for each other too
        lines = read_ledger(path)
        known = [old for old in lines if (old.identity, old.predictions) == (line.identity, line.predictions)]
        if any(old.dirty == "false" or line.dirty != "false" for old in known):
            return False
        previous = head(lines)
        chained = line.model_copy(update={"previous": previous, "sha256": line.digest(previous)})
        handle.write(f"{canonical_json(chained.plain())}\n".encode())  # one write: a kill leaves no half a line
        if not lines:
            _let_an_experiment_keep(path)
    return True


def _let_an_experiment_keep(path: Path) -> None:
    """A first ledger is new to git, and of what is new DVC's experiments keep stages' outs alone. A ledger is none."""
    if os.environ.get("DVC_EXP_NAME"):
        with suppress(OSError, subprocess.CalledProcessError):  # then it is as in any folder that git doesn't watch
            git(path.parent, "add", "--", path.name)
