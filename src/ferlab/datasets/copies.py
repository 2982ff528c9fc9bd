"""Pictures that an archive holds twice, as where a data set lies in it beside a copy of itself."""

import zipfile
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from ferlab.datasets.archive import inside
from ferlab.errors import printable

T = TypeVar("T")


def without_copies(
    archive: zipfile.ZipFile, rows: Sequence[T], member: Callable[[T], str], place: Callable[[T], Hashable]
) -> tuple[list[T], list[str]]:
    """Rows of which each file counts once, and what a person should know of that.

    Two are one file if they have the same name, the same content (size and checksum) and the same place, whatever
    folders they lie in.

    Args:
        member: a row's name in the archive. place: its class and split.
    """
    first, kept, copies = dict[Hashable, T](), list[T](), list[tuple[str, str]]()
    for row in rows:
        info, path = archive.getinfo(member(row)), inside(member(row))
        known = first.setdefault((path.stem, path.suffix, info.file_size, info.CRC, place(row)), row)
        if known is row:
            kept.append(row)
        else:
            copies.append((member(known), member(row)))
    if not copies:
        return kept, []
    one, other = map(printable, copies[0])
    return kept, [f"{len(copies)} pictures are in here twice ({one}, {other}, …): each is used once"]
