"""Files as data that travel from one machine to another: equal content is equal bytes."""

import hashlib
import io
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from ferlab.files import disk_errors

NAME = "it"  # what a packed file or folder is called where it is unpacked


def pack(path: Path) -> bytes:
    """A file or folder as an archive, links as what they stand for. Hidden files in a folder don't travel."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for file in sorted([path, *path.rglob("*")]):
            inside = file.relative_to(path).parts
            if not any(part.startswith(".") for part in inside):
                name = "/".join((NAME, *inside))  # as ZipInfo has it, without this machine's times, owners and rights
                archive.writestr(
                    ZipInfo(f"{name}/" if file.is_dir() else name), b"" if file.is_dir() else file.read_bytes()
                )
    return buffer.getvalue()


def unpack(data: bytes, folder: Path) -> Path:
    """Write what was packed into a folder, which need not be there; returns its path.

    Raises:
        UserError: no space, or no permission.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(folder)
    return folder / NAME


def digest(data: bytes) -> str:
    """A name for packed content."""
    return hashlib.sha256(data).hexdigest()
