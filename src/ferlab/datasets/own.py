"""Forms of data sets that other packages bring."""

import sys
from collections.abc import Mapping
from functools import cache

from ferlab.parts import DATASETS, DatasetPart, offers, usable


def own_forms() -> Mapping[str, DatasetPart]:
    """All that can be used, by name. What can't is named once a process."""
    parts, faults = usable(DATASETS, own_form)
    for fault in faults:
        _note(fault)
    return parts


def own_form(name: str) -> DatasetPart:
    """The form of a data set that another package reads.

    Raises:
        KeyError: there is none of this name.
        UserError: as `parts.Offer.load`.
    """
    return offers(DATASETS)[name].load(DatasetPart)


@cache
def _note(fault: str) -> None:
    print(f"note: {fault}", file=sys.stderr)
