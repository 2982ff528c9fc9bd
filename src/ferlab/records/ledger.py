"""The ledger: who, when and where, one line a result, appended and never rewritten."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from ferlab.errors import UserError
from ferlab.files import canonical_json
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
    """

    torch: str
    cuda: str | None
    cudnn: int | None
    matmul_precision: str
    convolution_tf32: bool | None
    differences: dict[str, tuple[str | None, str | None]]


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

    def plain(self) -> dict[str, Any]:
        """JSON types: what was written, without what a line of an earlier version lacks."""
        return self.model_dump(mode="json", exclude_unset=True)


def read_ledger(path: Path) -> list[LedgerLine]:
    """All lines of a ledger, of this or an earlier version, oldest first; none where there is no ledger.

    Raises:
        UserError: a line is damaged, or of a version that this one doesn't know; it is numbered.
    """
    texts = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
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
    """Append one result, unless the ledger has a line of the same identity and the same predictions.

    One that a commit holds is appended too where no line of it says so: the code was committed since.

    Returns:
        Whether it was appended.
    """
    known = [old for old in read_ledger(path) if (old.identity, old.predictions) == (line.identity, line.predictions)]
    if any(old.dirty == "false" or line.dirty != "false" for old in known):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, f"{canonical_json(line.plain())}\n".encode())  # one write: two processes' lines don't mix
    finally:
        os.close(descriptor)
    return True
