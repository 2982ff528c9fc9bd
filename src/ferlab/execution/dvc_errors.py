"""What DVC's errors mean, and who holds its locks, in words that name the way out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ferlab.errors import UserError
from ferlab.execution.locks import command_of

LOCKS = ("lock", "rwlock.lock")  # below .dvc/tmp/; their content is the process number of the last that held them
_BLOCKER = re.compile(r"\(PID (\d+)\): (.*)")


@contextmanager
def dvc_errors(root: Path) -> Iterator[None]:
    """Turn what DVC raises into a UserError.

    Raises:
        UserError: a file with marks of a merge conflict, before anything else; a lock that another process holds; or
            whatever DVC says.
    """
    _must_be_merged(root)
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # DVC's own kinds, git's, the file system's, YAML's
        said = str(error).strip() or type(error).__name__
        if "Unable to acquire lock" in said:
            raise locked(root) from None
        raise UserError(
            f"DVC can't read this project: {said}",
            where=str(root),
            next_step="mend that; `dvc status` shows when it is",
        ) from error


def _must_be_merged(root: Path) -> None:
    for path in (root / "dvc.lock", root / "dvc.yaml", *sorted(root.glob("*.dvc"))):
        if not path.is_file():
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        marks = [number for number, line in enumerate(lines, 1) if line.startswith("<<<<<<< ")]
        if marks:
            raise UserError(
                f"{path.name} holds both sides of a merge, from line {marks[0]} on",
                where=str(path),
                next_step=f"take one side whole: `git checkout --ours {path.name}`, or `--theirs`; if the conflict was "
                f"committed, `git checkout COMMIT -- {path.name}`. Then type the same command again: what doesn't fit "
                "that side is made anew",
            )


def locked(root: Path) -> UserError:
    """The error that names who holds DVC's lock."""
    for name in LOCKS:
        path = root / ".dvc" / "tmp" / name
        text = path.read_text().strip() if path.is_file() else ""
        pid = int(text) if text.isdecimal() else None
        if command := command_of(pid):
            return _busy(pid, command, path)
    return UserError(
        "another process holds DVC's lock",
        where=str(root / ".dvc" / "tmp"),
        next_step="wait until it ends, and type the same command again",
    )


def _busy(pid: int | None, command: str, path: Path) -> UserError:
    return UserError(
        f"DVC is at work here already: process {pid} ({command})",
        where=str(path),
        next_step=f"wait until it ends, or stop it: kill {pid}; then type the same command again",
    )


def explain(root: Path, words: str) -> str:
    """The last words of a `dvc` that failed, or what they mean where DVC speaks of its own locks."""
    if blocker := _BLOCKER.search(words):
        pid, command = int(blocker[1]), blocker[2]
        return str(_busy(pid, command_of(pid) or command, root / ".dvc" / "tmp" / "rwlock"))
    return str(locked(root)) if "Unable to acquire lock" in words else words
