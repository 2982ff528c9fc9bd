"""Unpacking into a scratch folder, within one limit for all of it, and packing: the same bytes for the same files."""

import bz2
import gzip
import io
import lzma
import shutil
import stat
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from ferlab.datasets.archive import is_picture, open_archive
from ferlab.errors import UserError, printable
from ferlab.files import disk_errors

LARGEST_TOTAL = 2**31  # bytes that all that is given at once may unpack to; both datasets have 370 million, as tables
_DENSE: dict[bytes, Callable[[IO[bytes]], Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
"""How one file that was compressed alone is read, by its first two bytes."""


class Source(NamedTuple):
    """A file: how to open it, and its size in bytes."""

    open: Callable[[], IO[bytes]]
    size: int


class Scratch:
    """A folder for what is unpacked, and how many bytes may still be."""

    def __init__(self, folder: Path, largest: int | None = None) -> None:
        self._folder, self._largest = folder, largest or LARGEST_TOTAL
        self._left = self._largest

    def new(self, name: str = "a.zip") -> Path:
        """A path at which nothing lies yet; of a member's own name only the end, and no folder."""
        place = self._folder / str(sum(1 for _ in self._folder.iterdir()))
        place.mkdir()
        return place / (PurePosixPath(name).name[-100:] or "a")

    def take(self, size: int, shown: str) -> None:
        """Ask for room before it is used.

        Raises:
            UserError: all that is given unpacks to far too much.
        """
        self._left -= size
        if self._left < 0:
            raise UserError(
                f"unpacks to far more than both datasets have: over {self._largest:,} bytes",
                where=shown,
                next_step="give the datasets alone",
            )


def open_file(path: Path) -> IO[bytes]:
    """A file opened for reading.

    Raises:
        UserError: it can't be read.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise UserError(f"can't be read: {error.strerror}", where=printable(path)) from None


def start_of(path: Path) -> bytes:
    """A file's first bytes: enough to know it by."""
    with open_file(path) as handle:
        try:
            return handle.read(1024)
        except OSError as error:  # of the disk, or of what only looks like a file
            raise UserError(f"can't be read: {error.strerror}", where=printable(path)) from None


def is_dense(start: bytes) -> bool:
    """Whether a file that starts so was compressed alone, as by gzip."""
    return start[:2] in _DENSE


def expand(path: Path, scratch: Scratch, shown: str) -> Path:
    """The one file in a file that was compressed alone."""
    inner = scratch.new(path.stem)
    try:
        read = _DENSE[start_of(path)[:2]]
        with open_file(path) as handle, read(handle) as source, disk_errors(inner), inner.open("wb") as target:
            while part := source.read(2**20):
                scratch.take(len(part), shown)
                target.write(part)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise UserError(f"can't be unpacked: {error}", where=shown, next_step="download it again") from None
    return inner


def from_tar(path: Path, scratch: Scratch, shown: str) -> Path:
    """A tar archive's files as a zip; links become links, which no reader follows."""
    target = scratch.new()
    try:
        with warnings.catch_warnings(), tarfile.open(path) as tar, zipfile.ZipFile(target, "w") as archive:
            warnings.simplefilter("ignore")  # of names that are there twice; the reader of the zip counts them
            for member in tar:
                if member.isfile():
                    scratch.take(member.size, f"{shown}: {printable(member.name)}")
                    source = tar.extractfile(member)
                    assert source is not None
                    _write(archive, member.name, source)
                elif member.issym() or member.islnk():
                    entry = zipfile.ZipInfo(_stored(member.name))
                    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                    archive.writestr(entry, member.linkname)
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise UserError(f"this archive can't be read: {error}", where=shown, next_step="download it again") from None
    return target


def pack_members(source: Path, members: Iterable[str], target: Path) -> Path:
    """A zip at `target` of some members of another."""
    with open_archive(source) as archive:
        return pack(target, {name: partial(archive.open, name) for name in members})


def pack_text(name: str, text: str, target: Path) -> Path:
    """A zip at `target` of one file."""
    return pack(target, {name: lambda: io.BytesIO(text.encode())})


def pack(target: Path, files: Mapping[str, Callable[[], IO[bytes]]]) -> Path:
    """A zip at `target` of files by name."""
    with disk_errors(target), zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            with files[name]() as source:
                _write(archive, name, source)
    return target


def _stored(name: str) -> str:
    """A name that a zip can hold: one in an unknown encoding is taken for Latin-1, which keeps it apart from others."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode(errors="surrogateescape").decode("latin-1")
    return name


def _write(archive: zipfile.ZipFile, name: str, source: IO[bytes]) -> None:
    """One file with no date. Pictures are compressed already."""
    entry = zipfile.ZipInfo(_stored(name))
    entry.compress_type = zipfile.ZIP_STORED if is_picture(name) else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=not is_picture(name)) as sink:
        shutil.copyfileobj(source, sink)
