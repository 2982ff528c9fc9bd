"""From what people have (a folder, a table, an archive, one inside another) to containers: zips of one dataset each."""

import os
import shutil
import stat
import tarfile
import zipfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from ferlab.datasets import ckplus, fer2013
from ferlab.datasets.archive import READ, is_junk, is_picture, open_archive, picture_members
from ferlab.datasets.own import own_forms
from ferlab.datasets.tables import head, is_table, lacking
from ferlab.datasets.unpack import Scratch, Source, expand, from_tar, is_dense, open_file, pack, start_of
from ferlab.errors import UserError, printable
from ferlab.files import disk_errors, must_be_a_file

DENSEST = 100  # to how many times its size an archive inside another may unpack: archives are dense already
DEEPEST = 3  # archives inside each other
_ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz")
_UNREAD = (".rar", ".7z", ".zst", ".parquet", ".arrow", ".npz", ".npy", ".h5", ".pkl", ".z01", ".001")


@dataclass(frozen=True)
class Container:
    """A zip that may hold one dataset: the user's own file, or one packed of what they gave.

    Attributes:
        shown: where it is from, for people.
        skipped: names of what was given with it and isn't in it.
        notices: what a person should know of how it was packed.
    """

    path: Path
    shown: str
    skipped: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def gather(path: Path, folder: Path) -> list[Container]:
    """All containers that a path leads to. Nothing is written outside `folder`, which the caller removes.

    A zip that holds one dataset directly is a container as it is; everything else is packed into a new one, the same
    bytes for the same content.

    Raises:
        UserError: absent, unreadable, neither a folder nor an archive nor a table, or far larger than it should be.
    """
    scratch = Scratch(folder)
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
        found = files_below(path) if is_folder else []
    except OSError as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else f"can't be read: {error.strerror}"
        where = printable(error.filename or path)
        raise UserError(what, where=where, next_step="check the name, or download it again") from None
    if is_folder:
        files = {p.relative_to(path).as_posix(): Source(partial(open_file, p), p.stat().st_size) for p in found}
        return _sort(files, scratch, str(path), 0)
    must_be_a_file(path, "give a folder, a table or an archive")
    return _look(path, scratch, str(path), 0)


def files_below(folder: Path) -> list[Path]:
    """The files in a folder, sorted, also those behind links to folders, each folder once.

    Raises:
        OSError: a folder can't be read.
    """

    def stop(error: OSError) -> None:
        raise error

    found, seen = list[Path](), set[tuple[int, int]]()
    for place, below, names in os.walk(folder, onerror=stop, followlinks=True):
        here = Path(place).stat()
        if (here.st_dev, here.st_ino) in seen:  # a link back up, or a second one to the same
            below.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        below.sort()
        found += (path for path in (Path(place, name) for name in names) if path.is_file())
    return sorted(found)


def _look(path: Path, scratch: Scratch, shown: str, depth: int) -> list[Container]:
    """The containers in one file."""
    if path.is_file() and not zipfile.is_zipfile(path):
        start = start_of(path)
        if tarfile.is_tarfile(path):
            return _look(from_tar(path, scratch, shown), scratch, shown, depth)
        if is_table(start):
            scratch.take(path.stat().st_size, shown)
            return [Container(pack(scratch.new(), {f"{path.stem}.csv": partial(open_file, path)}), shown)]
        if is_dense(start):
            return _look_into_one(path, scratch, shown, depth)
        if path.suffix.lower() == ".csv":
            raise _no_table("this table", lacking(start), shown)
    with open_archive(path, shown) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        files = {info.filename: Source(partial(archive.open, info.filename), info.file_size) for info in infos}
        pictures = picture_members(archive)
        kinds = {_dataset(name) for name in pictures} - {None}
        tables = [name for name in files if _is_csv(name)]
        repeated = len(infos) - len(files)
        notices = [f"{repeated} names stand there more than once: the last file of each name counts"] * bool(repeated)
        if len(kinds) == 1 or (not kinds and len(tables) == 1 and is_table(head(archive, tables[0]))):
            used = set(pictures if kinds else tables)
            return [Container(path, shown, [name for name in files if name not in used], notices)]
        if (
            not kinds
            and not tables
            and any(one.recognise(archive) for one in own_forms().values() if not one.asked_for)
        ):
            return [Container(path, shown, notices=notices)]
        for info in infos:
            if _is_archive(info.filename) and info.file_size > DENSEST * (info.compress_size + 1000):
                raise UserError(
                    f"{printable(info.filename)} unpacks to {info.file_size:,} bytes, far more than an archive should",
                    where=shown,
                )
        containers = _sort(files, scratch, shown, depth)
        if containers:
            containers[0].notices.extend(notices)
        return containers


def _look_into_one(path: Path, scratch: Scratch, shown: str, depth: int) -> list[Container]:
    """The containers in a file that was compressed alone, like fer2013.csv.gz."""
    inner = expand(path, scratch, shown)
    if depth and not (zipfile.is_zipfile(inner) or tarfile.is_tarfile(inner) or is_table(start_of(inner))):
        return []  # something else that lies beside
    return _look(inner, scratch, shown, depth)


def _sort(files: dict[str, Source], scratch: Scratch, shown: str, depth: int) -> list[Container]:
    """Pack the pictures of each dataset, and each table; look into archives."""
    containers = list[Container]()
    used, nearly = set[str](), list[tuple[str, list[str]]]()
    for dataset in (fer2013.DATASET, ckplus.DATASET):
        chosen = {name: files[name] for name in files if is_picture(name) and _dataset(name) == dataset}
        if chosen:
            scratch.take(sum(source.size for source in chosen.values()), shown)
            containers.append(Container(pack(scratch.new(), {n: s.open for n, s in chosen.items()}), shown))
            used |= set(chosen)
    for name, source in files.items():
        inner_shown = f"{shown}: {name}"
        if _is_csv(name):
            with source.open() as handle:
                absent = lacking(handle.read(1024))
            if len(absent) == 1:
                nearly.append((printable(name), absent))
            if not absent:
                scratch.take(source.size, inner_shown)
                packed = pack(scratch.new(), {PurePosixPath(name).name: source.open})
                containers.append(Container(packed, inner_shown))
                used.add(name)
        elif _is_archive(name):
            if depth == DEEPEST:
                raise UserError(
                    f"{printable(name)} lies more than {DEEPEST} archives deep", where=shown, next_step="unpack it"
                )
            scratch.take(source.size, inner_shown)
            inner = scratch.new(name)
            with disk_errors(inner), source.open() as handle, inner.open("wb") as target:
                shutil.copyfileobj(handle, target)
            found = _look(inner, scratch, inner_shown, depth + 1)
            containers += found
            used |= {name} if found else set()
    if not containers and nearly:
        raise _no_table(*nearly[0], shown)
    unread = [name for name in files if name.lower().endswith(_UNREAD) and not is_junk(name)]
    if not containers and unread:
        raise UserError(
            f"neither FER-2013 nor CK+48 is in here, but {printable(unread[0])}, which isn't read",
            where=shown,
            next_step=READ,
        )
    if containers:
        containers[0].skipped.extend(name for name in files if name not in used)
    return containers


def _no_table(name: str, absent: list[str], shown: str) -> UserError:
    names = ", ".join({"usage": "Usage"}.get(column, column) for column in absent)
    cost = ", without which its splits can't be told" if absent == ["usage"] else ""
    return UserError(
        f"{name} has no column{'s' * (len(absent) > 1)} {names}{cost}; FER-2013's have emotion, pixels and Usage",
        where=shown,
        next_step="give fer2013.csv or icml_face_data.csv as they were given out",
    )


def _is_archive(name: str) -> bool:
    return name.lower().endswith(_ARCHIVES) and not is_junk(name)


def _dataset(picture: str) -> str | None:
    if ckplus.is_member(picture):
        return ckplus.DATASET
    return fer2013.DATASET if fer2013.is_member(picture) else None


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv") and not is_junk(name)
