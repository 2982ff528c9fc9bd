"""A data set as somebody asked for it: some of its classes in their own order, images of another side, or in colour."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ferlab.data.colour import GREY, to_channels
from ferlab.data.images import ImageSet, of_classes
from ferlab.data.labels import FER_CLASSES, standard_name
from ferlab.datasets.members import scaled
from ferlab.datasets.reading import Reading
from ferlab.errors import UserError, printable

EIGHT = (*FER_CLASSES, "contempt")
"""FER-2013's classes in its order, and contempt."""


def canonical(name: str) -> str:
    """A class's name as it is kept: the expression's standard name where it is one (`Happiness`: `happy`).

    Any other is written small, with `_` for blanks and without a leading number (`3_Very happy`: `very_happy`).
    """
    return standard_name(name) or re.sub(r"\s+", "_", re.sub(r"^\d+[-_. ]+", "", name.strip().lower()))


def choose(asked: Sequence[str] | None, known: Sequence[str], where: str) -> tuple[str, ...]:
    """The classes to read: those asked for in the order asked for, or all that are known.

    Raises:
        UserError: a class is asked for twice or isn't there, or fewer than two are left.
    """
    chosen = tuple(known) if asked is None else tuple(map(canonical, asked))
    listed = ", ".join(map(printable, known)) or "none"
    twice = sorted({name for name in chosen if chosen.count(name) > 1})
    unknown = [name for name in chosen if name not in known]
    if twice or unknown:
        what = f"asked for twice: {', '.join(twice)}" if twice else f"not here: {', '.join(unknown)}"
        raise UserError(f"classes {what}; there are {listed}", where=where, next_step="name classes that are there")
    if len(chosen) < 2:
        raise UserError(
            f"a single class ({', '.join(chosen) or 'none'}), where there is nothing to tell apart; there are {listed}",
            where=where,
            next_step="give a folder of pictures for each class, and name two classes or more",
        )
    return chosen


def need_two(present: Iterable[str], chosen: Sequence[str], form: str, where: str) -> None:
    """Refuse a set with images of fewer than two classes.

    Args:
        present: classes of which there are images. chosen: those to read.
    """
    names = sorted(set(present))
    if len(names) < 2:
        raise UserError(
            f"{form}: pictures of a single class ({', '.join(map(printable, names)) or 'none'}), where nothing is "
            f"to be told apart; asked for are {', '.join(map(printable, chosen))}",
            where=where,
            next_step="give pictures of two classes or more",
        )


def left_out(counts: dict[str, int]) -> list[str]:
    """What is said of images of classes that nobody asked for."""
    names = ", ".join(f"{printable(name)} {n}" for name, n in sorted(counts.items()))
    return [f"{sum(counts.values())} images of other classes are left out ({names})"] if counts else []


def fit(reading: Reading, *, side: int, classes: Sequence[str] | None, where: str, channels: int = GREY) -> Reading:
    """A reading whose images have the side and channels, and whose sets have the classes, that were asked for.

    Args:
        side: pixels. classes: in their order; None for all. channels: 1 (grey) or 3 (RGB).

    Raises:
        UserError: as `choose`.
    """
    reading = in_channels(reading, channels)
    known = next(iter(reading.sets.values())).classes
    chosen = choose(classes, known, where)
    sets, notices, lost = dict[str, ImageSet](), list(reading.notices), dict[str, int]()
    for split, images in reading.sets.items():
        for name, n in images.counts().items():
            if name not in chosen:
                lost[name] = lost.get(name, 0) + n
        some = of_classes(images, chosen)
        if len(some):
            sets[split] = replace(some, images=resized(some.images, side))
    need_two((name for s in sets.values() for name, n in s.counts().items() if n), chosen, reading.form, where)
    notices += left_out({name: n for name, n in lost.items() if n})
    before = next(iter(reading.sets.values())).side
    notices += [f"images of {before}x{before} were scaled to {side}x{side}"] if before != side else []
    return replace(reading, sets=sets, notices=notices)


def in_channels(reading: Reading, channels: int) -> Reading:
    """A reading whose images are grey (1 channel) or RGB (3); the same one where they are that already."""
    if {images.channels for images in reading.sets.values()} <= {channels}:
        return reading
    sets = {split: replace(one, images=to_channels(one.images, channels)) for split, one in reading.sets.items()}
    said = "images became grey" if channels == GREY else "images are grey: their three channels are equal"
    return replace(reading, sets=sets, notices=[*reading.notices, said])


def resized(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Images (N, any, any[, 3]) as uint8 of (side, side[, 3]), as `scaled` makes them; itself where nothing changes."""
    if images.shape[1] == side:
        return images
    return np.array([scaled(Image.fromarray(image), side) for image in images], np.uint8).reshape(
        -1, side, side, *images.shape[3:]
    )
