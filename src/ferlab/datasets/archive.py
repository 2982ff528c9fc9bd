"""Pictures inside a zip archive: listed, decoded in parallel, checked."""

import io
import json
import os
import stat
import subprocess
import sys
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ferlab.data.images import SIDE
from ferlab.errors import UserError

PICTURES = {".jpg", ".jpeg", ".png", ".pgm", ".bmp", ".tif", ".tiff", ".gif", ".webp"}
LARGEST_PICTURE = 2**20  # bytes; a picture of 48x48 needs a few thousand
_JUNK = {"__MACOSX", "$RECYCLE.BIN", "System Volume Information", ".ipynb_checkpoints", "@eaDir"}
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)  # the last: encrypted, or packed in an unknown way
_UNREADABLE = (*_DAMAGE, OSError, UnidentifiedImageError, ValueError, SyntaxError, NotImplementedError)
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_AGAIN = "it may have been cut off or changed on its way: download it again"
_WORTH_A_PROCESS = 3000  # pictures: about what is decoded while a process starts

Decoded = tuple[NDArray[np.uint8], dict[int, str]]


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive for reading.

    Raises:
        UserError: absent, not a zip, cut off, or (while it is read) damaged inside.
    """
    if not path.is_file():
        raise UserError("no such file", where=str(path), next_step="check the name, or download the archive again")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(
            f"not a whole zip archive ({error}); {path.stat().st_size:,} bytes long",
            where=str(path),
            next_step=_AGAIN,
        ) from None
    with archive:
        try:
            yield archive
        except (*_DAMAGE, NotImplementedError) as error:
            raise UserError(
                f"a part of this archive can't be read: {error}", where=str(path), next_step=_AGAIN
            ) from None


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


def read_pictures(archive: zipfile.ZipFile, members: Sequence[str]) -> Decoded:
    """Decode pictures, many of them on all cores: Pillow holds Python's lock, so the helpers are processes.

    Returns:
        uint8 (N, 48, 48), 0-255; and what is wrong, by index: the picture can't be decoded, isn't 48x48 or isn't 8-bit
        grey, or isn't what an archive of pictures should hold. Nothing is ever written under a member's own name.
    """
    workers = min(os.cpu_count() or 1, 1 + len(members) // _WORTH_A_PROCESS)
    share = (len(members) + _WORTH_A_PROCESS * (workers - 1)) // workers  # larger: the helpers have to start first
    mine, rest = np.split(np.arange(len(members)), [share])
    others = np.array_split(rest, workers - 1) if workers > 1 else []
    running = [_start(Path(str(archive.filename)), [members[i] for i in part]) for part in others]
    images, problems = _decode(archive, [members[i] for i in mine])
    parts = [images]
    start = len(mine)
    for process, part in zip(running, others, strict=True):
        output, _ = process.communicate()
        head, _, pixels = output.partition(b"\n")
        if process.returncode or len(pixels) != len(part) * SIDE * SIDE:
            raise UserError(
                f"a process that decoded pictures ended early (exit code {process.returncode})",
                where=str(archive.filename),
                next_step="start again; was there enough memory?",
            )
        parts.append(np.frombuffer(pixels, dtype=np.uint8).reshape(-1, SIDE, SIDE))
        problems |= {start + int(i): what for i, what in json.loads(head).items()}
        start += len(part)
    return np.concatenate(parts), problems


def _start(path: Path, members: list[str]) -> "subprocess.Popen[bytes]":
    """A process that decodes some members; if we die, its pipe breaks and it ends."""
    with tempfile.TemporaryFile() as request:  # a pipe would make us wait until it has started
        request.write(json.dumps([str(path), members]).encode())
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
        path, members = json.load(sys.stdin.buffer)
        with zipfile.ZipFile(path) as archive:
            images, problems = _decode(archive, members)
        sys.stdout.buffer.write(json.dumps(problems).encode() + b"\n" + images.tobytes())
        sys.stdout.buffer.flush()
    except (KeyboardInterrupt, BrokenPipeError):  # whoever asked is gone, or is going
        os._exit(1)


def _decode(archive: zipfile.ZipFile, members: Sequence[str]) -> Decoded:
    images = np.zeros((len(members), SIDE, SIDE), dtype=np.uint8)
    problems = dict[int, str]()
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for i, member in enumerate(members):
            if problem := _odd(archive.getinfo(member)):
                problems[i] = problem
                continue
            try:
                with Image.open(io.BytesIO(archive.read(member))) as picture:
                    if picture.mode != "L" or picture.size != (SIDE, SIDE):  # before anything is unpacked
                        size = f"{picture.width}x{picture.height}"
                        problems[i] = f"is {size} in mode {picture.mode}, not {SIDE}x{SIDE} 8-bit grey (L)"
                        continue
                    images[i] = np.asarray(picture)
            except _BOMB:
                problems[i] = "unpacks to far more than a picture of a face should"
            except _UNREADABLE as error:
                problems[i] = f"can't be decoded ({type(error).__name__})"
    return images, problems


def _odd(member: zipfile.ZipInfo) -> str | None:
    """What is suspicious about a member's entry, if anything."""
    folders = inside(member.filename).folders
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a symbolic link, not a picture"
    if ".." in folders or (folders and folders[0].endswith(("/", ":"))):
        return "has a path that leads out of its archive"
    if member.file_size > LARGEST_PICTURE:
        return f"unpacks to {member.file_size:,} bytes, far more than a picture of a face should"
    return None
