"""Files that are either whole or absent, and names for their content."""

import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from ferlab.errors import UserError, printable

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full, limited or read-only disk into a UserError that names `path`."""
    try:
        yield
    except OSError as error:
        if told := disk_error(error, path):
            raise told from error
        raise


def disk_error(error: OSError, path: Path) -> UserError | None:
    """What a user can do about an error of the disk at `path`; None if it is another error."""
    name, where = printable(path.name), printable(path.parent)
    if error.errno in _NO_SPACE:
        return UserError(
            f"no space left to write {name}: {error.strerror}",
            where=where,
            next_step="free some space (`ferlab doctor` shows what is left) and start again; "
            "nothing that was there before has been touched",
        )
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return UserError(
            f"{name} can't be written: {error.strerror}", where=where, next_step="make the folder writable"
        )
    if error.errno == errno.ENAMETOOLONG:
        return UserError(f"{name}: {error.strerror}", where=where, next_step="choose a shorter name")
    if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP):
        return UserError(f"{name}: {error.strerror}", where=where, next_step="name another path")
    return None


def must_be_a_file(path: Path, next_step: str = "name a file") -> None:
    """Refuse what can't be read or replaced as a file; of a pipe one would wait for ever. What is absent may be made.

    Raises:
        UserError: it is a folder, a named pipe, a socket or a device.
    """
    try:
        kind = _KINDS.get(stat.S_IFMT(path.stat().st_mode))
    except OSError:  # absent or hidden, as whoever opens it hears
        return
    if kind:
        raise UserError(f"{printable(path.name)} is {kind}, not a file", where=str(path.parent), next_step=next_step)


def must_be_writable(folder: Path) -> None:
    """Refuse a folder in which nothing can be made, before hours of work for it. It is made if absent.

    Raises:
        UserError: no space, no permission, a read-only disk, or it is no folder.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        Path(tempfile.mkdtemp(prefix=".", dir=folder)).rmdir()


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` for writing; rename it to `path` when the block ends without error.

    Raises:
        UserError: no space, no permission, or `path` is no file. It then still holds what it held.
    """
    must_be_a_file(path, "name another file to write")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = _beside(path, "part")  # not by tempfile, whose files are private whatever the umask says
        try:
            with _new(fresh) as handle:
                yield handle
                handle.flush()
                os.fsync(handle.fileno())
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise


def _new(path: Path) -> IO[bytes]:
    """A new file for writing; a UserError in a place that takes none, such as /proc."""
    try:
        return path.open("x+b")
    except FileNotFoundError as error:
        raise UserError(
            f"no file can be made there: {error.strerror}", where=printable(path.parent), next_step="name another place"
        ) from None


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` atomically."""
    with atomic_write(path) as handle:
        handle.write(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as canonical JSON (sorted keys, one trailing newline) to `path` atomically."""
    write_text(path, canonical_json(value, indent=1) + "\n")


def canonical_json(value: Any, indent: int | None = None) -> str:
    """The same text for the same value: sorted keys, no NaN."""
    separators = None if indent else (",", ":")
    return json.dumps(value, sort_keys=True, allow_nan=False, indent=indent, separators=separators)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`, which takes the place of `path` when the block ends without error."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = _beside(path, "part")
        fresh.mkdir()
        try:
            yield fresh
            replace_folder(fresh, path)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def replace_folder(fresh: Path, path: Path) -> None:
    """Put the folder `fresh` in the place of `path`; what was at `path` is removed only after the exchange."""
    if not path.exists():
        fresh.replace(path)
        return
    aside = _beside(path, "old")
    aside.mkdir()
    path.replace(aside / path.name)
    try:
        fresh.replace(path)
    except BaseException:
        (aside / path.name).replace(path)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _beside(path: Path, suffix: str) -> Path:
    """A hidden name beside `path` that nobody else uses; `recover` and `sweep` know it by its form."""
    return path.parent / f".{path.name}.{secrets.token_hex(4)}.{suffix}"


def recover(path: Path) -> None:
    """Bring a folder back that a kill between the two renames of `replace_folder` left aside. The caller must be its
    only writer."""
    if not path.exists():
        for aside in path.parent.glob(f".{path.name}.????????.old"):
            if (aside / path.name).exists():
                (aside / path.name).replace(path)
                break


def sweep(path: Path) -> None:
    """Delete what writes of `path` that were killed have left beside it. The caller must be its only writer."""
    for suffix in ("part", "old"):
        for leftover in path.parent.glob(f".{path.name}.????????.{suffix}"):  # as tempfile names them
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def which_folder(folder: Path) -> str:
    """Which folder this is, whatever machine or path it is seen from; a copy of it is another. It is made if absent."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "place"
    with suppress(FileExistsError):
        path.open("x").close()
    return f"{path.stat().st_ino}-{path.stat().st_ctime_ns}"


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of one file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def content_hash(path: Path) -> str:
    """Hex SHA-256 of a file, or of a folder's relative names and contents (`content_files`)."""
    if path.is_file():
        return sha256_file(path)
    if not path.is_dir():
        raise FileNotFoundError(path)
    digest = hashlib.sha256()
    for name in content_files(path):
        digest.update(f"{name.as_posix()}\0{sha256_file(path / name)}\n".encode())
    return digest.hexdigest()


def content_files(folder: Path) -> list[Path]:
    """The files in a folder, relative to it and sorted; caches of bytecode and hidden files are no content."""
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if not any(p.startswith(".") or p == "__pycache__" for p in name.parts))
