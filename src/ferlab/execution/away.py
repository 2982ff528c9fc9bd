"""Checkpoints in flight that outlive their machine: each is kept in a store too, given as an fsspec URL."""

import os
import secrets
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ferlab.errors import UserError
from ferlab.execution.node import STORE
from ferlab.training.checkpoint import FILE, Checkpoints

_MEND = "see params.yaml: runtime.checkpoints, and the keys and endpoint in this machine's environment"


def checkpoints_of(folder: Path, every_seconds: float, stop: threading.Event | None) -> Checkpoints:
    """The place of one training's checkpoints: with a store behind it where the environment names one."""
    url = os.environ.get(STORE)
    if not url:
        return Checkpoints(folder, every_seconds, stop)
    return AwayCheckpoints(folder, every_seconds, stop, f"{url.rstrip('/')}/{folder.name}")


class AwayCheckpoints(Checkpoints):
    """Checkpoints in a folder and, from there, in a store; where the folder has none, the store's is taken.

    Args:
        url: of a folder of this training's own in the store.
    """

    def __init__(self, folder: Path, every_seconds: float, stop: threading.Event | None, url: str) -> None:
        super().__init__(folder, every_seconds, stop)
        self.url, self._sent, self._has_failed = url, dict[Path, int](), False

    def child(self, name: str) -> "AwayCheckpoints":
        return AwayCheckpoints(self.folder / name, self.every_seconds, self.stop, f"{self.url}/{name}")

    def load(self) -> dict[str, Any] | None:
        if not (self.folder / FILE).exists():
            self._fetch()
        return super().load()

    def save(self, state: Mapping[str, Any]) -> None:
        super().save(state)
        try:
            self.send()
        except Exception as error:  # each file system raises its own; the training can do without
            if not self._has_failed:
                print(f"careful: the checkpoint stays on this machine: {error}", file=sys.stderr, flush=True)
            self._has_failed = True

    def clear(self) -> None:
        super().clear()
        self._sent.clear()
        forget(self.url)

    def _fetch(self) -> None:
        try:
            system, place = _opened(self.url)
            files = system.find(place) if system.exists(place) else []
            for name in sorted(files, key=lambda name: name.endswith(FILE)):  # the state last: it says that all is here
                target = self.folder / name.removeprefix(place).lstrip("/")
                if target.name.startswith(".") or target.exists():
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                system.get_file(name, str(target))
        except Exception as error:
            raise _unusable(self.url, error) from error

    def send(self) -> None:
        """Send what is new, the state last. A file in the store is whole or absent."""
        system, place = _opened(self.url)
        files = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        for path in sorted(files, key=lambda path: path == self.folder / FILE):
            written = path.stat().st_mtime_ns
            if self._sent.get(path) == written:
                continue
            target = f"{place}/{path.relative_to(self.folder).as_posix()}"
            parent, _, name = target.rpartition("/")
            fresh = f"{parent}/.{name}.{secrets.token_hex(4)}"
            system.makedirs(parent, exist_ok=True)
            system.put_file(str(path), fresh)
            system.mv(fresh, target)
            self._sent[path] = written


def must_be_usable(url: str) -> None:
    """Raise a UserError unless something can be written to a store, read and removed."""
    try:
        system, place = _opened(url)
        probe = f"{place}/.{secrets.token_hex(4)}"
        system.makedirs(place, exist_ok=True)
        system.pipe_file(probe, b"ferlab")
        if system.cat_file(probe) != b"ferlab":
            raise OSError("it doesn't hold what was written")
        system.rm_file(probe)
    except Exception as error:
        raise _unusable(url, error) from error


def hand_over(folder: Path, url: str) -> None:
    """Send checkpoints in flight here to a store, unless it has some of that training, which are no older."""
    try:
        system, place = _opened(url)
        if not system.exists(place):
            AwayCheckpoints(folder, 0, None, url).send()
    except Exception as error:
        raise _unusable(url, error) from error


def forget(url: str) -> None:
    """Remove a folder of a store, if it is there."""
    try:
        system, place = _opened(url)
        if system.exists(place):
            system.rm(place, recursive=True)
    except Exception as error:
        raise _unusable(url, error) from error


def _opened(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    system, place = url_to_fs(url)
    system.invalidate_cache()  # others write there too
    return system, str(place).rstrip("/")


def _unusable(url: str, error: Exception) -> UserError:
    said = (str(error) or type(error).__name__).splitlines()[0]
    return UserError(f"the store of checkpoints can't be used: {said}", where=url, next_step=_MEND)
