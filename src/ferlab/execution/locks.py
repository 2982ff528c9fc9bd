"""Locks between processes, named with their owners."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from ferlab.errors import UserError
from ferlab.files import write_json
from ferlab.project import Project


@contextmanager
def exclusive(project: Project, key: str, patience: float = 0) -> Iterator[None]:
    """Hold the lock of a key, e.g. of a run; the kernel frees it when the process dies, however it dies.

    Args:
        patience: seconds to wait for it; negative: as long as it takes.

    Raises:
        UserError: another process holds it; it is named.
    """
    path = project.state / "locks" / f"{key}.lock"
    owner = path.with_suffix(".owner.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        holder = json.loads(owner.read_text()) if owner.exists() else {}
        pid = holder.get("pid")
        raise UserError(
            f"process {pid} is still at work on {key} ({command_of(pid) or holder.get('command', 'unknown')})",
            where=str(path),
            next_step=f"wait until it ends, or stop it: kill {pid}",
        ) from None
    try:
        write_json(owner, {"pid": psutil.Process().pid, "command": " ".join(sys.argv)})
        yield
    finally:
        lock.release()


def command_of(pid: int | None) -> str | None:
    """The command line of a living process; None where there is none of that number, or it is another user's."""
    try:
        return " ".join(psutil.Process(pid).cmdline()) if pid else None
    except psutil.Error:
        return None


def started_by(pid: int) -> int:
    """The `ferlab` command that a process works for, which ends it when it is asked to; itself where there is none."""
    try:
        above = psutil.Process(pid).parents()
        commands = [one.pid for one in above if "ferlab" in (Path(word).name for word in one.cmdline()[:2])]
    except psutil.Error:
        return pid
    return commands[-1] if commands else pid


def is_ours(pid: int) -> bool:
    """Whether a process is this one, or was started by it, directly or not."""
    try:
        process = psutil.Process(pid)
        return os.getpid() in (pid, *(parent.pid for parent in process.parents()))
    except psutil.Error:
        return False
