"""What DVC's errors mean, and who holds its locks, in words that name the way out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ferlab.errors import UserError
from ferlab.execution.locks import command_of, is_ours, started_by

LOCKS = ("lock", "rwlock.lock")  # below .dvc/tmp/; their content is the process number of the last that held them
_BLOCKER = re.compile(r"\(PID (\d+)\): (.*)")


@contextmanager
def dvc_errors(root: Path, doing: str = "read this project") -> Iterator[None]:
    """Turn what DVC raises into a UserError, which says that it can't do what it was `doing`.

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
        if (busy := _busy(root, said)) is not None:
            raise busy from None
        raise UserError(
            f"DVC can't {doing}: {said}",
            where=str(root),
            next_step="correct that; `dvc status` then ends without an error",
        ) from error


def _must_be_merged(root: Path) -> None:
    for path in (*(root / name for name in ("dvc.lock", "dvc.yaml", ".dvc/config")), *sorted(root.glob("*.dvc"))):
        if not path.is_file():
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        marks = [number for number, line in enumerate(lines, 1) if line.startswith("<<<<<<< ")]
        if marks:
            name = path.relative_to(root)
            raise UserError(
                f"{name} holds both sides of a merge, from line {marks[0]} on",
                where=str(path),
                next_step=f"take one side whole: `git checkout --ours {name}`, or `--theirs`; if the conflict was "
                f"committed, `git checkout COMMIT -- {name}`. Then type the same command again: what doesn't fit that "
                "side is made anew",
            )


def explain(root: Path, words: str) -> str:
    """The last words of a `dvc` that failed, or what they mean where DVC speaks of its own locks."""
    busy = _busy(root, words)
    return words if busy is None else str(busy)


def _busy(root: Path, words: str) -> UserError | None:
    """The error that names who holds the lock that DVC speaks of; None where it speaks of something else."""
    folder = root / ".dvc" / "tmp"
    if blocker := _BLOCKER.search(words):
        pid, command = started_by(int(blocker[1])), blocker[2]
        return _held(folder / "rwlock", f": process {pid} ({command_of(pid) or command})", f"stop it: kill {pid}")
    if "Unable to acquire lock" not in words:
        return None
    holder = lock_holder(root)
    return _held(folder, f": {holder}", f"stop it: kill {holder.pid}") if holder else _held(folder, "", "stop it")


@dataclass(frozen=True)
class Holder:
    """A living process that holds DVC's lock."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})"


def lock_holder(root: Path) -> Holder | None:
    """Who holds DVC's lock, or held it last and lives; None where it is nobody, or a process that we started."""
    for path in (root / ".dvc" / "tmp" / name for name in LOCKS):
        text = path.read_text().strip() if path.is_file() else ""
        if not text.isdecimal() or command_of(int(text)) is None or is_ours(int(text)):
            continue
        first = started_by(int(text))
        if command := command_of(first):
            return Holder(first, command)
    return None


def _held(path: Path, who: str, way_out: str) -> UserError:
    return UserError(
        f"DVC is at work here already{who}",
        where=str(path),
        next_step=f"wait until it ends, or {way_out}; then type the same command again",
    )
