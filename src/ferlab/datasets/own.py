"""Forms of data sets that other packages bring."""

import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from ferlab.datasets.fitting import in_channels
from ferlab.datasets.reading import Reading
from ferlab.parts import DATASETS, DatasetPart, offers, takes, usable


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


def read_by(form: DatasetPart) -> Callable[..., Reading]:
    """Its reader, as of ferlab's own forms: told of channels too. What one without `channels` reads is made so."""
    return form.read if takes(form.read, "channels") else partial(_read_without, form)


def _read_without(form: DatasetPart, *args: Any, channels: int, **kwargs: Any) -> Reading:
    return in_channels(form.read(*args, **kwargs), channels)


@cache
def _note(fault: str) -> None:
    print(f"note: {fault}", file=sys.stderr)
