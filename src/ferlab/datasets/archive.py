"""Pictures inside a zip archive: listed, decoded in parallel, checked."""

import io
import json
import os
import stat
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ferlab.data.colour import GREY
from ferlab.data.images import SIDE, Faces
from ferlab.datasets.content import EMPTY, PART_OF_ZIP, what_is
from ferlab.datasets.picture import PictureError, read_face
from ferlab.errors import UserError

_READ = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".pgm", ".ppm", ".pnm", ".bmp", ".tif", ".tiff", ".gif", ".webp"}
_UNREAD = {".heic", ".heif", ".avif", ".jp2", ".jxl"}  # named as what can't be used, not passed over
PICTURES = _READ | _UNREAD
LARGEST_PICTURE = 2**20  # bytes, and pixels; a picture of 48x48 needs a few thousand
LARGEST_TOTAL = 2**31  # bytes that all pictures of an archive unpack to; FER-2013's to 60 million
MOST_FILES = 500_000  # in an archive; both datasets have 37 thousand
_JUNK = {"__MACOSX", "$RECYCLE.BIN", "System Volume Information", ".ipynb_checkpoints", "@eaDir"}
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)  # the last: encrypted, or packed in an unknown way
_AGAIN = "it may have been cut off or changed on its way: download it again"
OUTSIDE = "has a path that leads out of its archive"
READ = "read are folders, zip, tar and fer2013.csv, also as .gz, .bz2 or .xz: unpack or convert what you have"
_PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_WORTH_A_PROCESS = 3000  # pictures: about what is decoded while a process starts


class Decoded(NamedTuple):
    """Pictures made faces.

    Attributes:
        images: uint8 (N, 48, 48) or, in RGB, (N, 48, 48, 3), 0-255.
        problems: why one can't be used, by its index; its image is black.
        changes: how one was changed to become a face, by its index.
    """

    images: NDArray[np.uint8]
    problems: dict[int, str]
    changes: dict[int, str]

    def notices(self) -> list[str]:
        """What was changed, in one line, the most frequent first; nothing where all pictures were faces as they are."""
        kinds = Counter(self.changes.values()).most_common()
        some = "; ".join(f"{change} ({n})" for change, n in kinds[:3]) + ("; …" if len(kinds) > 3 else "")
        return [f"{len(self.changes)} pictures were changed: {some}"] if kinds else []


@contextmanager
def open_archive(path: Path, shown: str = "", most: int | None = None) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive for reading.

    Args:
        shown: where it is from, for people, where `path` is only a temporary copy.
        most: files that it may hold; MOST_FILES if not said.

    Raises:
        UserError: absent, not a zip, cut off, or (while it is read) damaged inside.
    """
    where = shown or str(path)
    if not path.is_file():
        raise UserError("no such file", where=where, next_step="check the name, or download the archive again")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _no_zip(path, error, where) from None
    with archive:
        try:
            if len(archive.infolist()) > (most or MOST_FILES):
                raise UserError(f"holds {len(archive.infolist()):,} files, far more than both datasets", where=where)
            yield archive
        except (*DAMAGE, NotImplementedError) as error:
            raise UserError(f"a part of this archive can't be read: {error}", where=where, next_step=_AGAIN) from None


def _no_zip(path: Path, error: Exception, where: str) -> UserError:
    """What a file is that should be a zip archive."""
    if isinstance(error, PermissionError):
        return UserError(f"can't be read: {error.strerror}", where=where)
    with path.open("rb") as handle:
        found = what_is(handle.read(512))
    size = f"{path.stat().st_size:,} bytes long"
    if found in (EMPTY, PART_OF_ZIP):
        return UserError(f"not a whole zip archive ({error}); {size}", where=where, next_step=_AGAIN)
    return UserError(f"not a whole zip archive but {found}; {size}", where=where, next_step=f"{READ}; or {_AGAIN}")


class Inside(NamedTuple):
    """A member's path, in its parts: far cheaper to make than a path, and there are tens of thousands."""

    folders: tuple[str, ...]
    stem: str
    suffix: str

    @property
    def folder(self) -> str:
        """The name of the innermost folder, empty at the top."""
        return self.folders[-1] if self.folders else ""


def inside(name: str) -> Inside:
    """Take a member's name apart; some archives are made with backslashes."""
    parent, _, last = name.replace("\\", "/").rpartition("/")
    stem, dot, end = last.rpartition(".")
    return Inside(_folders(parent), stem, dot + end) if stem else Inside(_folders(parent), last, "")


@lru_cache(maxsize=1024)
def _folders(parent: str) -> tuple[str, ...]:
    return PurePosixPath(parent).parts


def is_junk(name: str) -> bool:
    """Whether a path is one of those that operating systems and tools leave among people's files."""
    path = inside(name)
    return path.stem.startswith(".") or not _JUNK.isdisjoint(path.folders)


def is_picture(name: str) -> bool:
    """Whether a path has a picture's suffix and isn't junk."""
    return inside(name).suffix.lower() in PICTURES and not is_junk(name)


def picture_members(archive: zipfile.ZipFile) -> list[str]:
    """Names of the pictures in an archive, sorted; what operating systems leave among them is left out."""
    return sorted({name for name in archive.namelist() if is_picture(name)})


def read_pictures(archive: zipfile.ZipFile, members: Sequence[str], channels: int = GREY) -> Decoded:
    """Decode pictures, many of them on all cores: Pillow holds Python's lock, so the helpers are processes.

    Args:
        channels: 1 (grey) or 3 (RGB).

    Returns:
        One face a member, as `read_face` makes them, or what is wrong with it. Nothing is ever written under a member's
        own name.

    Raises:
        UserError: together they unpack to far more than a dataset does.
    """
    total = sum(archive.getinfo(member).file_size for member in members)
    if total > LARGEST_TOTAL:
        raise UserError(
            f"the pictures unpack to {total:,} bytes, far more than a dataset's", where=str(archive.filename)
        )
    workers = min(os.cpu_count() or 1, 1 + len(members) // _WORTH_A_PROCESS)
    share = (len(members) + _WORTH_A_PROCESS * (workers - 1)) // workers  # larger: the helpers have to start first
    mine, rest = np.split(np.arange(len(members)), [share])
    others = np.array_split(rest, workers - 1) if workers > 1 else []
    running = [_start(Path(str(archive.filename)), [members[i] for i in part], channels) for part in others]
    images, problems, changes = _decode(archive, [members[i] for i in mine], channels)
    parts = [images]
    start = len(mine)
    for process, part in zip(running, others, strict=True):
        output, _ = process.communicate()
        head, _, pixels = output.partition(b"\n")
        if process.returncode or len(pixels) != len(part) * SIDE * SIDE * channels:
            raise UserError(
                f"a process that decoded pictures ended early (exit code {process.returncode})",
                where=str(archive.filename),
                next_step="start again; was there enough memory?",
            )
        parts.append(np.frombuffer(pixels, dtype=np.uint8).reshape(-1, *_shape(channels)))
        for told, mentioned in zip((problems, changes), json.loads(head), strict=True):
            told |= {start + int(i): what for i, what in mentioned.items()}
        start += len(part)
    return Decoded(np.concatenate(parts), problems, changes)


def _start(path: Path, members: list[str], channels: int) -> "subprocess.Popen[bytes]":
    """A process that decodes some members; if we die, its pipe breaks and it ends."""
    with tempfile.TemporaryFile() as request:  # a pipe would make us wait until it has started
        request.write(json.dumps([str(path), members, channels]).encode())
        request.seek(0)
        return subprocess.Popen(
            [sys.executable, "-c", "from ferlab.datasets.archive import serve; serve()"],
            stdin=request,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )


def serve() -> None:
    """What a helper process does: decode the members that stdin names, and write the result out."""
    try:
        path, members, channels = json.load(sys.stdin.buffer)
        with zipfile.ZipFile(path) as archive:
            images, problems, changes = _decode(archive, members, channels)
        sys.stdout.buffer.write(json.dumps([problems, changes]).encode() + b"\n" + images.tobytes())
        sys.stdout.buffer.flush()
    except (KeyboardInterrupt, BrokenPipeError):  # whoever asked is gone, or is going
        os._exit(1)


def _shape(channels: int) -> tuple[int, ...]:
    return Faces(channels=channels).shape


def _decode(archive: zipfile.ZipFile, members: Sequence[str], channels: int) -> Decoded:
    images = np.zeros((len(members), *_shape(channels)), dtype=np.uint8)
    problems, changes = dict[int, str](), dict[int, str]()
    for i, member in enumerate(members):
        if problem := odd(archive.getinfo(member)):
            problems[i] = problem
            continue
        try:
            content = io.BytesIO(archive.read(member))
            images[i], change = read_face(content, LARGEST_PICTURE, squeeze=False, channels=channels)
        except PictureError as error:
            problems[i] = str(error)
        except (*DAMAGE, OSError, ValueError, NotImplementedError) as error:
            problems[i] = f"can't be decoded ({type(error).__name__})"
        else:
            if change:
                changes[i] = change
    return Decoded(images, problems, changes)


def odd(member: zipfile.ZipInfo, largest: int = LARGEST_PICTURE) -> str | None:
    """What is suspicious about a member's entry, if anything; `largest`: bytes that it may unpack to."""
    folders = inside(member.filename).folders
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link, not a picture: unpack the archive, and give the folder"
    if member.flag_bits & 1:
        return "is encrypted: unpack the archive with its password, and give the folder"
    if member.compress_type not in _PACKINGS:
        return "is packed in a way that isn't read: unpack the archive, and give the folder"
    if ".." in folders or (folders and folders[0].endswith(("/", ":"))):
        return f"{OUTSIDE}: unpack it into a folder, and give that"
    if member.file_size > largest:
        return f"unpacks to {member.file_size:,} bytes, far more than a picture of a face should"
    return None
