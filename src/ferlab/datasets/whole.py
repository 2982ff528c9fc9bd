"""From what people have of a data set that they name (folders, tables, archives) to one zip of all its files."""

import tarfile
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ferlab.datasets.archive import is_junk, open_archive
from ferlab.datasets.gather import files_below
from ferlab.datasets.members import LARGEST_TOTAL, MOST_FILES
from ferlab.datasets.unpack import Scratch, Source, expand, from_tar, is_dense, open_file, pack, start_of
from ferlab.errors import UserError, printable
from ferlab.files import must_be_a_file

_TEXTS = (".csv", ".txt")


def as_zip(paths: Sequence[Path], folder: Path) -> Path:
    """One zip of all that is given, texts and tables too; a zip that is given alone is returned as it is.

    What lies in archives that are given is put beside the rest; archives inside these are not opened. Of several
    folders the names are kept, of a single one they are not. The same files make the same bytes.

    Args:
        folder: a place for it, which the caller removes. Nothing is written anywhere else.

    Raises:
        UserError: a path is absent or can't be read, two files have one name, or all of it is far too large.
    """
    if len(paths) == 1 and paths[0].is_file() and zipfile.is_zipfile(paths[0]):
        return paths[0]
    scratch = Scratch(folder, LARGEST_TOTAL)
    files = dict[str, Source]()
    with ExitStack() as stack:
        for path in paths:
            for name, source in _files(path, scratch, stack, prefix=len(paths) > 1).items():
                if name in files:
                    what = f"two files are called {printable(name)}"
                    raise UserError(what, where=str(path), next_step="give one of them, or rename its folder")
                scratch.take(source.size, str(path))
                files[name] = source
        return pack(scratch.new(), {name: source.open for name, source in files.items()})


def _files(path: Path, scratch: Scratch, stack: ExitStack, prefix: bool) -> dict[str, Source]:
    """The files that a path leads to, by their names; `prefix`: those of a folder with its own name before."""
    if path.is_dir():
        top = f"{path.resolve().name}/" if prefix else ""
        try:
            found = [(f"{top}{file.relative_to(path).as_posix()}", file) for file in files_below(path)]
            return {name: Source(partial(open_file, p), p.stat().st_size) for name, p in found if not is_junk(name)}
        except OSError as error:
            where = printable(error.filename or path)
            raise UserError(f"can't be read: {error.strerror}", where=where, next_step="check its rights") from None
    must_be_a_file(path, "give folders, archives or tables")
    if path.is_file() and is_dense(start_of(path)) and not tarfile.is_tarfile(path):
        path = expand(path, scratch, str(path))
    if path.is_file() and tarfile.is_tarfile(path):
        path = from_tar(path, scratch, str(path))
    if path.is_file() and path.suffix.lower() in _TEXTS:
        return {path.name: Source(partial(open_file, path), path.stat().st_size)}
    archive = stack.enter_context(open_archive(path, most=MOST_FILES))
    infos = [info for info in archive.infolist() if not info.is_dir() and not is_junk(info.filename)]
    return {info.filename: Source(partial(archive.open, info.filename), info.file_size) for info in infos}
