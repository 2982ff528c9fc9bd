"""The flat tables in which both datasets circulate: columns emotion, pixels, Usage; a row an image."""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ferlab.data.colour import to_grey
from ferlab.data.images import SIDE, ImageSet
from ferlab.data.labels import standard_name
from ferlab.datasets.fitting import EIGHT
from ferlab.datasets.reading import Problem
from ferlab.errors import UserError, printable

COLUMNS = ("emotion", "pixels", "usage")
LARGEST_TABLE = 2**30  # bytes; fer2013.csv has 301 million
LONGEST_LINE = 2**16  # characters; one of 2,304 pixels has 9 thousand
MOST_ROWS = 200_000  # fer2013.csv has 36 thousand
_SEPARATORS = ",;\t"
_MOST_CLASSES = 1000
_BRACKETS = str.maketrans("[](),", "     ")  # lists as Python and NumPy write them


@dataclass(frozen=True)
class Table:
    """The rows that could be read.

    Attributes:
        images: uint8 (N, 48, 48). codes: int64 (N,), as written. usages: N names. numbers: N, the row's place from 0.
        lines: N, its line in the file, from 1.
    """

    images: NDArray[np.uint8]
    codes: NDArray[np.int64]
    usages: tuple[str, ...]
    numbers: tuple[int, ...]
    lines: tuple[int, ...]
    problems: list[Problem]


def head(archive: zipfile.ZipFile, member: str) -> bytes:
    """A member's first bytes: enough for a header."""
    with archive.open(member) as raw:
        return raw.read(1024)


def is_table(start: bytes) -> bool:
    """Whether a file's first bytes name the columns; case, blanks, a BOM and other columns don't matter."""
    return not lacking(start)


def lacking(start: bytes) -> list[str]:
    """Which columns a file's first bytes don't name."""
    first = re.split(r"[\r\n]", start.decode(_encoding(start), errors="replace"), maxsplit=1)[0]
    return [name for name in COLUMNS if name not in _columns(first)[1]]


def read_table(archive: zipfile.ZipFile, member: str) -> Table:
    """Read `fer2013.csv`, `icml_face_data.csv` (blanks in its header) or the like, in UTF-8 or UTF-16.

    Cells may be parted by commas, semicolons or tabs. Emotions may be names; their codes are places in EIGHT. Rows that
    can't be read are named by their line: another number of pixels, a value outside 0-255, no number.

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
    lines_of = list[int]()
    problems = list[Problem]()
    encoding = _encoding(head(archive, member))
    with archive.open(member) as raw:
        text = io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")
        lines = _lines(text, f"{archive.filename}: {member}")
        separator, names = _columns(next(lines, ""))
        rows = csv.reader(lines, delimiter=separator)
        column_of = {name: i for i, name in enumerate(names)}
        number = -1
        while True:
            try:
                row = next(rows)
                if not row:
                    continue
                number += 1
                code, pixels, usage = _parse(row, column_of)
            except StopIteration:
                break
            except (ValueError, OverflowError, csv.Error) as error:
                problems.append(Problem(f"{member}, line {rows.line_num + 1}", f"can't be read: {error}"))
                continue
            images.append(pixels)
            codes.append(code)
            usages.append(usage)
            numbers.append(number)
            lines_of.append(rows.line_num + 1)
    return Table(
        np.array(images, dtype=np.uint8).reshape(-1, SIDE, SIDE),
        np.array(codes, dtype=np.int64),
        tuple(usages),
        tuple(numbers),
        tuple(lines_of),
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
    """The text of a table of sets by split, in grey; `usages` names each split as the table does."""
    lines = [
        f"{label},{' '.join(map(str, image.ravel()))},{usages[split]}\n"
        for split, images in sets.items()
        for image, label in zip(to_grey(images.images), images.labels, strict=True)
    ]
    return "emotion,pixels,Usage\n" + "".join(lines)


def _parse(row: list[str], column_of: Mapping[str, int]) -> tuple[int, NDArray[np.uint8], str]:
    if len(row) <= max(column_of[name] for name in COLUMNS):
        raise ValueError(f"{len(row)} columns")
    usage = row[column_of["usage"]].strip()
    return _code(row[column_of["emotion"]].strip()), _pixels(row[column_of["pixels"]]), usage


def _code(text: str) -> int:
    """A class's number, also written as `3.0`, or the place of its name in EIGHT."""
    if name := standard_name(text):
        return EIGHT.index(name)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not number.is_integer() or abs(number) > _MOST_CLASSES:
        raise ValueError(f"emotion '{printable(text)}' is neither a class's number nor its name")
    return int(number)


def _pixels(text: str) -> NDArray[np.uint8]:
    words = text.translate(_BRACKETS).split()
    if len(words) != SIDE * SIDE:
        raise ValueError(f"{len(words)} pixels, not {SIDE * SIDE}")
    try:
        pixels = np.array(words, dtype=np.int64)
    except ValueError:
        numbers = np.array(words, dtype=np.float64)
        pixels = np.rint(np.nan_to_num(numbers, nan=-1)).astype(np.int64)
        if (pixels != numbers).any():
            raise ValueError("pixels that are no whole numbers 0-255") from None
    if pixels.min() < 0 or pixels.max() > 255:
        raise ValueError("a pixel outside 0-255")
    return pixels.astype(np.uint8)


def _columns(header: str) -> tuple[str, list[str]]:
    """What parts a table's cells, and the columns' names."""
    separator = max(_SEPARATORS, key=header.count)
    return separator, [name.strip().strip("\"'").lower() for name in header.split(separator)]


def _encoding(start: bytes) -> str:
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
