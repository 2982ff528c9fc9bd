"""From what people have (a folder, a table, an archive, one inside another) to containers: zips of one dataset each."""

import io
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from ferlab.datasets import ckplus, fer2013
from ferlab.datasets.archive import is_junk, is_picture, open_archive, picture_members
from ferlab.datasets.tables import is_table
from ferlab.errors import UserError
from ferlab.files import disk_errors

LARGEST_ARCHIVE = 2**31  # bytes of an archive inside another, or of all that a tar archive unpacks to
DEEPEST = 3  # archives inside each other
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

Opener = Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Container:
    """A zip that may hold one dataset: the user's own file, or one packed of what they gave.

    Attributes:
        shown: where it is from, for people.
        skipped: names of what was given with it and isn't in it.
    """

    path: Path
    shown: str
    skipped: list[str] = field(default_factory=list)


def gather(path: Path, scratch: Path, shown: str = "", depth: int = 0) -> list[Container]:
    """All containers that a path leads to. Nothing is written outside `scratch`, a folder that the caller removes.

    A zip that holds one dataset directly is a container as it is; everything else is packed into a new one, the same
    bytes for the same content.

    Raises:
        UserError: absent, unreadable, neither a folder nor an archive nor a table, or far larger than it should be.
    """
    shown = shown or str(path)
    if path.is_dir():
        found = [p for p in sorted(path.rglob("*")) if p.is_file()]
        return _sort({p.relative_to(path).as_posix(): _opener(p) for p in found}, scratch, shown, depth)
    if path.is_file() and not zipfile.is_zipfile(path):
        if tarfile.is_tarfile(path):
            return gather(_from_tar(path, _new(scratch), shown), scratch, shown, depth)
        with path.open("rb") as handle:
            table = is_table(handle.read(1024))
        if table:
            return [Container(_pack(_new(scratch), {path.name: _opener(path)}), shown)]
        if path.suffix.lower() == ".csv":
            raise UserError(
                "this table has no columns emotion, pixels and Usage",
                where=shown,
                next_step="give fer2013.csv or icml_face_data.csv as they were given out",
            )
    with open_archive(path) as archive:
        files = [info.filename for info in archive.infolist() if not info.is_dir()]
        names: dict[str, Opener] = {name: partial(archive.open, name) for name in files}
        pictures = picture_members(archive)
        kinds = {_dataset(name) for name in pictures} - {None}
        tables = [name for name in files if _is_csv(name)]
        if len(kinds) == 1 or (not kinds and len(tables) == 1):
            used = set(pictures if kinds else tables)
            return [Container(path, shown, [name for name in files if name not in used])]
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        for name in files:
            if name.lower().endswith(_ARCHIVES) and sizes[name] > LARGEST_ARCHIVE:
                raise UserError(f"{name} unpacks to {sizes[name]:,} bytes, far more than it should", where=shown)
        return _sort(names, scratch, shown, depth)


def pack_members(source: Path, members: Iterable[str], target: Path) -> Path:
    """A zip at `target` of some members of another."""
    with open_archive(source) as archive:
        return _pack(target, {name: partial(archive.open, name) for name in members})


def pack_text(name: str, text: str, target: Path) -> Path:
    """A zip at `target` of one file."""
    return _pack(target, {name: lambda: io.BytesIO(text.encode())})


def _sort(files: dict[str, Opener], scratch: Path, shown: str, depth: int) -> list[Container]:
    """Pack the pictures of each dataset, and each table; look into archives."""
    containers = list[Container]()
    used = set[str]()
    for dataset in (fer2013.DATASET, ckplus.DATASET):
        chosen = {name: files[name] for name in files if is_picture(name) and _dataset(name) == dataset}
        if chosen:
            containers.append(Container(_pack(_new(scratch), chosen), shown))
            used |= set(chosen)
    for name in files:
        if _is_csv(name):
            with files[name]() as handle:
                table = is_table(handle.read(1024))
            if table:
                containers.append(
                    Container(_pack(_new(scratch), {PurePosixPath(name).name: files[name]}), f"{shown}: {name}")
                )
                used.add(name)
        elif name.lower().endswith(_ARCHIVES) and not is_junk(name):
            if depth == DEEPEST:
                raise UserError(f"{name} lies more than {DEEPEST} archives deep", where=shown, next_step="unpack it")
            inner = _new(scratch, "".join(PurePosixPath(name).suffixes[-2:]))
            with files[name]() as source, inner.open("wb") as target:
                shutil.copyfileobj(source, target)
            containers += gather(inner, scratch, f"{shown}: {name}", depth + 1)
            used.add(name)
    if containers:
        containers[0].skipped.extend(name for name in files if name not in used)
    return containers


def _dataset(picture: str) -> str | None:
    if ckplus.is_member(picture):
        return ckplus.DATASET
    return fer2013.DATASET if fer2013.is_member(picture) else None


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv") and not is_junk(name)


def _opener(path: Path) -> Opener:
    return lambda: path.open("rb")


def _from_tar(path: Path, target: Path, shown: str) -> Path:
    """A tar archive's files as a zip; links become links, which no reader follows."""
    total = 0
    try:
        with tarfile.open(path) as tar, zipfile.ZipFile(target, "w") as archive:
            for member in tar:
                if member.isfile():
                    total += member.size
                    if total > LARGEST_ARCHIVE:
                        raise UserError("unpacks to far more than both datasets have", where=f"{shown}: {member.name}")
                    source = tar.extractfile(member)
                    assert source is not None
                    _write(archive, member.name, source)
                elif member.issym() or member.islnk():
                    entry = zipfile.ZipInfo(member.name)
                    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                    archive.writestr(entry, member.linkname)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UserError(f"this archive can't be read: {error}", where=shown, next_step="download it again") from None
    return target


def _pack(target: Path, files: dict[str, Opener]) -> Path:
    with disk_errors(target), zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            with files[name]() as source:
                _write(archive, name, source)
    return target


def _write(archive: zipfile.ZipFile, name: str, source: IO[bytes]) -> None:
    """One file with no date. Pictures are compressed already."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_STORED if is_picture(name) else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=not is_picture(name)) as sink:
        shutil.copyfileobj(source, sink)


def _new(scratch: Path, suffix: str = ".zip") -> Path:
    return scratch / f"{sum(1 for _ in scratch.iterdir())}{suffix}"
