"""The flat tables in which both datasets circulate: columns emotion, pixels, Usage; a row an image."""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import SIDE, ImageSet
from ferlab.datasets.reading import Problem
from ferlab.errors import UserError

COLUMNS = ("emotion", "pixels", "usage")
LARGEST_TABLE = 2**30  # bytes; fer2013.csv has 301 million
LONGEST_LINE = 2**16  # characters; one of 2,304 pixels has 9 thousand
MOST_ROWS = 200_000  # fer2013.csv has 36 thousand


@dataclass(frozen=True)
class Table:
    """The rows that could be read.

    Attributes:
        images: uint8 (N, 48, 48). codes: int64 (N,), as written. usages: N names. numbers: N, the row's place from 0.
    """

    images: NDArray[np.uint8]
    codes: NDArray[np.int64]
    usages: tuple[str, ...]
    numbers: tuple[int, ...]
    problems: list[Problem]


def head(archive: zipfile.ZipFile, member: str) -> bytes:
    """A member's first bytes: enough for a header."""
    with archive.open(member) as raw:
        return raw.read(1024)


def is_table(start: bytes) -> bool:
    """Whether a file's first bytes name the columns; case, blanks, a BOM and other columns don't matter."""
    first = start.decode(_encoding(start), errors="replace").split("\n")[0]
    return set(COLUMNS) <= set(_columns(first))


def read_table(archive: zipfile.ZipFile, member: str) -> Table:
    """Read `fer2013.csv`, `icml_face_data.csv` (blanks in its header) or the like, in UTF-8 or UTF-16.

    Rows that can't be read are named by their line: another number of pixels, a value outside 0-255, no number.

    Raises:
        UserError: the table unpacks to more than a gigabyte, or its lines are too many or far too long.
    """
    size = archive.getinfo(member).file_size
    if size > LARGEST_TABLE:
        raise UserError(
            f"the table {member} unpacks to {size:,} bytes; FER-2013's has 301 million",
            where=str(archive.filename),
            next_step="get the table from where its authors give it out",
        )
    images = list[NDArray[np.uint8]]()
    codes = list[int]()
    usages = list[str]()
    numbers = list[int]()
    problems = list[Problem]()
    encoding = _encoding(head(archive, member))
    with archive.open(member) as raw:
        text = io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")
        rows = csv.reader(_lines(text, f"{archive.filename}: {member}"))
        column_of = {name: i for i, name in enumerate(_columns(",".join(next(rows, []))))}
        number = -1
        while True:
            try:
                row = next(rows)
                number += 1
                code, pixels, usage = _parse(row, column_of)
            except StopIteration:
                break
            except (ValueError, OverflowError, csv.Error) as error:
                problems.append(Problem(f"{member}, line {rows.line_num}", f"can't be read: {error}"))
                continue
            images.append(pixels)
            codes.append(code)
            usages.append(usage)
            numbers.append(number)
    return Table(
        np.array(images, dtype=np.uint8).reshape(-1, SIDE, SIDE),
        np.array(codes, dtype=np.int64),
        tuple(usages),
        tuple(numbers),
        problems,
    )


def _lines(text: IO[str], where: str) -> Iterator[str]:
    """Lines of a table, none of which is ever longer in memory than a row of pixels may be."""
    for number in range(1, MOST_ROWS + 2):
        line = text.readline(LONGEST_LINE)
        if not line:
            return
        if len(line) == LONGEST_LINE:
            raise UserError(
                f"line {number} of the table has more than {LONGEST_LINE:,} characters, a row of FER-2013 9 thousand",
                where=where,
                next_step="get the table from where its authors give it out",
            )
        yield line
    raise UserError(f"the table has more than {MOST_ROWS:,} lines, FER-2013's has 36 thousand", where=where)


def write_table(sets: Mapping[str, ImageSet], usages: Mapping[str, str]) -> str:
    """The text of a table of sets by split; `usages` names each split as the table does."""
    lines = [
        f"{label},{' '.join(map(str, image.ravel()))},{usages[split]}\n"
        for split, images in sets.items()
        for image, label in zip(images.images, images.labels, strict=True)
    ]
    return "emotion,pixels,Usage\n" + "".join(lines)


def _parse(row: list[str], column_of: Mapping[str, int]) -> tuple[int, NDArray[np.uint8], str]:
    if len(row) <= max(column_of[name] for name in COLUMNS):
        raise ValueError(f"{len(row)} columns")
    code = int(row[column_of["emotion"]])
    usage = row[column_of["usage"]].strip()
    pixels = np.array(row[column_of["pixels"]].split(), dtype=np.int64)
    if pixels.size != SIDE * SIDE:
        raise ValueError(f"{pixels.size} pixels, not {SIDE * SIDE}")
    if pixels.min() < 0 or pixels.max() > 255:
        raise ValueError("a pixel outside 0-255")
    return code, pixels.astype(np.uint8), usage


def _columns(header: str) -> list[str]:
    return [name.strip().strip('"').lower() for name in header.split(",")]


def _encoding(start: bytes) -> str:
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
