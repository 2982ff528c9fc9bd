"""Files as data that travel from one machine to another: equal content is equal bytes."""

import hashlib
import io
import tarfile
from pathlib import Path

from ferlab.files import disk_errors

NAME = "it"  # what a packed file or folder is called where it is unpacked


def pack(path: Path) -> bytes:
    """A file or folder as an archive, links as what they stand for. Hidden files in a folder don't travel."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        tar.add(path, NAME, filter=_nobodys)
    return buffer.getvalue()


def unpack(data: bytes, folder: Path) -> Path:
    """Write what was packed into a folder, which need not be there; returns its path.

    Raises:
        UserError: no space, or no permission.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(data), mode="r") as tar:
            tar.extractall(folder, filter="data")
    return folder / NAME


def digest(data: bytes) -> str:
    """A name for packed content."""
    return hashlib.sha256(data).hexdigest()


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without what is this machine's own, so that the same files are the same bytes anywhere."""
    if member.name.rpartition("/")[2].startswith("."):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member
