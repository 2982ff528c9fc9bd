"""Readers that other packages bring."""

import sys
import zipfile
from collections.abc import Callable
from functools import cache

from ferlab.datasets.reading import Reading
from ferlab.parts import DATASETS, DatasetPart, offers, usable


def own_reader(archive: zipfile.ZipFile) -> Callable[[zipfile.ZipFile], Reading] | None:
    """The reader of the first part, by name, that recognises an archive; None if none does.

    A part that can't be used is named, and the others are asked.
    """
    parts, faults = usable(DATASETS, own_form)
    for fault in faults:
        _note(fault)
    return next((part.read for part in parts.values() if part.recognise(archive)), None)


def own_form(name: str) -> DatasetPart:
    """The form of a data set that another package reads.

    Raises:
        KeyError: there is none of this name.
        UserError: as `parts.Offer.load`.
    """
    return offers(DATASETS)[name].load(DatasetPart)


@cache
def _note(fault: str) -> None:
    """Say it once a process."""
    print(f"note: {fault}", file=sys.stderr)
