"""Readers that other packages bring."""

import sys
import zipfile
from collections.abc import Callable
from functools import cache

from ferlab.datasets.reading import Reading
from ferlab.parts import DATASETS, DatasetPart, usable


def own_reader(archive: zipfile.ZipFile) -> Callable[[zipfile.ZipFile], Reading] | None:
    """The reader of the first part, by name, that recognises an archive; None if none does.

    A part that can't be used is named, and the others are asked.
    """
    parts, faults = usable(DATASETS, DatasetPart)
    for fault in faults:
        _note(fault)
    return next((part.read for part in parts.values() if part.recognise(archive)), None)


@cache
def _note(fault: str) -> None:
    """Say it once a process."""
    print(f"note: {fault}", file=sys.stderr)
