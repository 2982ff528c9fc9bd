"""What a stage tells the ledger of itself: the code, machine and libraries that it runs with."""

import os
import platform
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import psutil
from packaging.utils import NormalizedName, canonicalize_name

from ferlab.code.commit import read_commit
from ferlab.code.lock import read_lock
from ferlab.code.source import SOURCE, Code
from ferlab.files import sha256_file, write_json
from ferlab.parts import installed
from ferlab.project import Project
from ferlab.records.ledger import Circumstances, Instructions, Libraries, Machine, note_of
from ferlab.training.instructions import AVX2


def circumstances(project: Project, instructions: str, device: str) -> Circumstances:
    """Of this process.

    Args:
        instructions: params.yaml's compute.instructions.
        device: `cpu` or `cuda`, that it computes on.
    """
    commit = read_commit(project)
    lock = project.code_home / "requirements.lock"
    return Circumstances(
        commit=commit.commit,
        dirty=commit.dirty,
        uncommitted=list(commit.uncommitted),
        unknown_because=commit.reason,
        package=Code.of(SOURCE).package,
        lock=sha256_file(lock) if lock.is_file() else None,
        machine=_machine(device),
        instructions=_instructions(instructions),
        libraries=_libraries(lock, device),
    )


def note_training(project: Project, identity: str, ran_with: Circumstances) -> None:
    """Keep what a training ran with until it is evaluated. Its outs can't say: they are equal wherever it ran."""
    write_json(note_of(project.state, identity), ran_with.model_dump(mode="json"))


def circumstances_of_training(project: Project, identity: str) -> Circumstances | None:
    """What `note_training` kept; None where the training ran in another checkout, or before this was kept."""
    path = note_of(project.state, identity)
    return Circumstances.model_validate_json(path.read_bytes()) if path.is_file() else None


def _machine(device: str) -> Machine:
    import torch

    return Machine(
        system=platform.system(),
        processor=platform.machine(),
        cpu=_cpu(),
        gpu=torch.cuda.get_device_name() if device == "cuda" else None,
        cores=os.cpu_count(),
        memory_gib=round(psutil.virtual_memory().total / 2**30),
        python=platform.python_version(),
    )


def _cpu() -> str:
    """The processor's own name: the last bits of a result depend on it. "unknown" where the system doesn't say."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _instructions(asked: str) -> Instructions:
    import torch
    from threadpoolctl import threadpool_info

    blas = (library for library in threadpool_info() if library["user_api"] == "blas")
    return Instructions(
        asked=asked,
        torch=torch.backends.cpu.get_cpu_capability(),
        blas=sorted({f"{one['internal_api']} {one['version']} {one.get('architecture', '')}".strip() for one in blas}),
        variables={name: os.environ[name] for name in sorted(AVX2) if name in os.environ},
    )


def _libraries(lock: Path, device: str) -> Libraries:
    import torch

    return Libraries(
        torch=torch.__version__,
        cuda=torch.version.cuda,
        cudnn=torch.backends.cudnn.version() if device == "cuda" else None,  # type: ignore[no-untyped-call]
        matmul_precision=torch.get_float32_matmul_precision(),
        convolution_tf32=torch.backends.cudnn.allow_tf32 if device == "cuda" else None,
        differences=differences(lock),
        **({"parts": found} if (found := installed()) else {}),  # a line without says as little as it did before
    )


@cache
def differences(lock: Path) -> dict[str, tuple[str | None, str | None]]:
    """What isn't installed as a lock file has it: name to its version there and here.

    Lines whose markers are of another system or Python don't count. Without a lock all that is installed is listed.
    """
    installed = dict[NormalizedName, str]()
    for one in distributions():  # of two of one name, the first is the one that is imported
        installed.setdefault(canonicalize_name(one.metadata["Name"]), one.version)
    if not lock.is_file():
        return {name: (None, version) for name, version in sorted(installed.items())}
    return {
        name: (version, installed.get(name))
        for name, version in sorted(read_lock(lock).items())
        if version != installed.get(name)
    }
