"""A line between a process and those it started, grandchildren too: when it ends, however it ends, so do they.

The starter holds the lock of a file that it names to its children by an environment variable, which DVC passes on to
the stages that it runs. Each of them waits for that lock in a thread. The kernel frees it when the starter dies.
"""

import fcntl
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "FERLAB_LIFELINE"


@contextmanager
def held(state: Path) -> Iterator[dict[str, str]]:
    """Hold a lifeline below the folder `state`; gives what children need in their environment."""
    folder = state / "lifelines"
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    descriptor, name = tempfile.mkstemp(prefix=".", dir=folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, str(os.getpid()).encode())
        path = folder / Path(name).name.removeprefix(".")
        Path(name).rename(path)  # only now do others see it: nobody can take it for a dead one's
        try:
            yield {VARIABLE: str(path)}
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def holders(state: Path) -> list[int]:
    """The numbers of the living processes that hold a lifeline below the folder `state`."""
    folder, found = state / "lifelines", set[int]()
    _sweep(folder)
    for path in folder.glob("[!.]*"):
        with suppress(FileNotFoundError, ValueError):  # it has ended since; an earlier ferlab's says no number
            found.add(int(path.read_text()))
    return sorted(found)


def follow() -> None:
    """End with the process that holds the lifeline named in the environment, if there is one.

    The whole process group goes: what started this process on its behalf (DVC) and what this one has started.
    """
    path = os.environ.get(VARIABLE)
    if path is None:
        return
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:  # it is swept: its holder died before this process began
        _end()
        return

    def watch() -> None:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _end()

    threading.Thread(target=watch, daemon=True, name="lifeline").start()


def _end() -> None:
    os.killpg(0, signal.SIGKILL)


def _sweep(folder: Path) -> None:
    """Delete the lifelines of the dead."""
    for path in folder.glob("[!.]*"):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        except (BlockingIOError, FileNotFoundError):  # its holder lives; another process swept it
            continue
