"""The ledger: who, when and where, one line a result, appended and never rewritten."""

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil

from ferlab.files import canonical_json
from ferlab.project import Project

SOURCE = (":(top)src", ":(top)dvc.yaml", ":(top)requirements.lock")  # what makes a result "dirty" if it isn't committed


def commit(project: Project) -> dict[str, str]:
    """The commit that the source stands at, and whether it was changed since: `{"commit": …, "dirty": "true"|"false"}`.

    Outside a git checkout the commit is "unknown".
    """
    head = _git(project, "rev-parse", "HEAD")
    dirty = bool(_git(project, "status", "--porcelain", "--", *SOURCE))
    return {"commit": head or "unknown", "dirty": str(dirty).lower()}


def _git(project: Project, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=project.root, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def machine() -> dict[str, Any]:
    """What a number may depend on beside code and data. No host name: it would tell where, not what."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
    }


def _cpu() -> str:
    """The processor's own name: the last bits of a result depend on it. "unknown" where the system doesn't say."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def append(path: Path, line: dict[str, Any]) -> bool:
    """Append one result, unless the ledger has a line of the same identity and the same predictions.

    Returns:
        Whether it was appended.
    """
    key = (line["identity"], line["predictions"])
    if any((old["identity"], old["predictions"]) == key for old in read(path)):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, (canonical_json(line) + "\n").encode())  # one write: lines of two processes don't mix
    finally:
        os.close(descriptor)
    return True


def read(path: Path) -> list[dict[str, Any]]:
    """All lines of a ledger, oldest first; none where there is no ledger."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
