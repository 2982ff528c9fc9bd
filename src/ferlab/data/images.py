"""ImageSet: the one form in which faces travel from room to room."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferlab.data.colour import GREY, RGB, channels_of
from ferlab.data.labels import FER_CLASSES, translate
from ferlab.data.votes import certain, fault, for_classes
from ferlab.errors import UserError
from ferlab.files import atomic_folder, write_text

SIDE = 48  # pixels: of FER-2013 and CK+48; a set carries its own
_VOTES = "give each image shares of its set's classes that sum to 1"


@dataclass(frozen=True)
class Faces:
    """What faces a classifier is made for.

    Attributes:
        classes: their names, in order.
        side: of the images, in pixels.
        channels: 1 (grey) or 3 (RGB).
    """

    classes: tuple[str, ...] = FER_CLASSES
    side: int = SIDE
    channels: int = GREY

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image's array."""
        return (self.side, self.side) if self.channels == GREY else (self.side, self.side, self.channels)


FER_FACES = Faces()
"""FER-2013's."""


@dataclass(frozen=True)
class ImageSet:
    """Labelled faces, grey or in colour.

    Attributes:
        images: uint8 (N, side, side), 0 black to 255 white, or (N, side, side, 3) in RGB. Memory-mapped and read-only
            after `open`.
        labels: int64 (N,), indices into `classes`.
        classes: the names of the classes.
        ids: N distinct names; they say where an image is from, e.g. `train/happy/Training_12.jpg`.
        subjects: N names of the persons shown, "" where unknown.
        origins: N names of sources, e.g. `fer2013`, `ckplus`, `dcgan`.
        split: which part of a dataset this is, e.g. `train`.
        votes: float32 (N, classes), by how many of those who voted each class was seen, rows summing to 1; None where
            nobody voted.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    subjects: tuple[str, ...]
    origins: tuple[str, ...]
    split: str
    votes: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        n = len(self.images)
        assert self.images.dtype == np.uint8, self.images.dtype
        assert self.images.ndim == 3 or self.images.shape[3:] == (RGB,), self.images.shape
        assert self.images.shape[1] == self.images.shape[2], self.images.shape
        assert self.labels.dtype == np.int64, self.labels.dtype
        assert self.labels.shape == (n,), self.labels.shape
        assert len(self.ids) == len(self.subjects) == len(self.origins) == n
        if self.votes is not None and (wrong := fault(self.votes, n, len(self.classes))):
            raise UserError(f"votes that can't be right: {wrong}", where=f"the split '{self.split}'", next_step=_VOTES)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def side(self) -> int:
        """Pixels a side."""
        return int(self.images.shape[1])

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (RGB)."""
        return channels_of(self.images)

    @property
    def faces(self) -> Faces:
        """What a classifier of such images is made for."""
        return Faces(self.classes, self.side, self.channels)

    def take(self, indices: NDArray[np.integer] | NDArray[np.bool_]) -> "ImageSet":
        """The images at `indices` (integers, or a mask of N booleans), in that order."""
        chosen = np.flatnonzero(indices) if indices.dtype == np.bool_ else indices
        return replace(
            self,
            images=self.images[chosen],
            labels=self.labels[chosen],
            ids=tuple(self.ids[i] for i in chosen),
            subjects=tuple(self.subjects[i] for i in chosen),
            origins=tuple(self.origins[i] for i in chosen),
            votes=None if self.votes is None else self.votes[chosen],
        )

    def counts(self) -> dict[str, int]:
        """Number of images a class."""
        numbers = np.bincount(self.labels, minlength=len(self.classes))
        return {name: int(n) for name, n in zip(self.classes, numbers, strict=True)}

    def digest(self) -> str:
        """Hex SHA-256 over pixels, labels, classes and ids, and over votes where there are any."""
        digest = hashlib.sha256()
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        digest.update(json.dumps([self.classes, self.ids]).encode())
        if self.votes is not None:
            digest.update(np.ascontiguousarray(self.votes).data)
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write `images.npy`, `labels.npy`, `meta.json` and, of votes, `votes.npy` into `folder`, all or nothing."""
        arrays: dict[str, NDArray[Any]] = {"images": self.images, "labels": self.labels}
        meta: dict[str, Any] = {
            "classes": self.classes,
            "split": self.split,
            "ids": self.ids,
            "subjects": _pack(self.subjects),
            "origins": _pack(self.origins),
        }
        if self.votes is not None:
            arrays["votes"] = self.votes
            meta["votes"] = True
        with atomic_folder(folder) as fresh:
            for name, array in arrays.items():
                with (fresh / f"{name}.npy").open("wb") as handle:
                    # through the handle, not tofile: a full disk then raises an error that has a number
                    np.lib.format.write_array_header_1_0(handle, np.lib.format.header_data_from_array_1_0(array))
                    handle.write(np.ascontiguousarray(array).data)
            write_text(fresh / "meta.json", json.dumps(meta, sort_keys=True, indent=0))

    @classmethod
    def open(cls, folder: Path) -> "ImageSet":
        """Open a folder that `save` wrote; the pixels stay on disk until they are used.

        Raises:
            UserError: the folder is absent or incomplete.
        """
        try:
            meta = json.loads((folder / "meta.json").read_text())
            images = np.load(folder / "images.npy", mmap_mode="r")
            labels = np.load(folder / "labels.npy")
            votes = np.load(folder / "votes.npy") if meta.get("votes") else None
            if votes is not None and (wrong := fault(votes, len(labels), len(meta["classes"]))):
                raise ValueError(f"votes.npy: {wrong}")
        except (OSError, ValueError) as error:
            raise UserError(
                f"no readable set of images: {error}", where=str(folder), next_step="run `dvc repro` to make it"
            ) from None
        n = len(labels)
        return cls(
            images=images,
            labels=labels,
            classes=tuple(meta["classes"]),
            ids=tuple(meta["ids"]),
            subjects=_unpack(meta["subjects"], n),
            origins=_unpack(meta["origins"], n),
            split=meta["split"],
            votes=votes,
        )


def concatenate(sets: Sequence[ImageSet], split: str) -> ImageSet:
    """One set after the other. All must have the same classes, side and channels.

    Where one has votes, the images of those that have none count as certain of their label.
    """
    assert len({s.faces for s in sets}) == 1
    return ImageSet(
        images=np.concatenate([s.images for s in sets]),
        labels=np.concatenate([s.labels for s in sets]),
        classes=sets[0].classes,
        ids=tuple(i for s in sets for i in s.ids),
        subjects=tuple(i for s in sets for i in s.subjects),
        origins=tuple(i for s in sets for i in s.origins),
        split=split,
        votes=None if all(s.votes is None for s in sets) else np.concatenate([votes_of(s) for s in sets]),
    )


def votes_of(images: ImageSet) -> NDArray[np.float32]:
    """float32 (N, classes), rows summing to 1: the votes, or where nobody voted all for the label."""
    return certain(images.labels, len(images.classes)) if images.votes is None else images.votes


def of_classes(images: ImageSet, classes: tuple[str, ...], called: tuple[str, ...] | None = None) -> ImageSet:
    """The images of some classes, labelled by their numbers there; votes are those for these classes.

    Args:
        classes: matched by name.
        called: the names of the set's own classes, where they go by others.
    """
    names = called or images.classes
    labels = translate(images.labels, names, classes)
    kept = labels >= 0
    some, labels = (images, labels) if kept.all() else (images.take(kept), labels[kept])
    votes = None if some.votes is None else for_classes(some.votes, names, classes, labels)
    return replace(some, labels=labels, classes=classes, votes=votes)


def nothing(faces: Faces) -> ImageSet:
    """The empty set of such faces."""
    empty = np.empty((0, *faces.shape), np.uint8)
    return ImageSet(empty, np.empty(0, np.int64), faces.classes, (), (), (), "added")


def _pack(column: tuple[str, ...]) -> str | tuple[str, ...]:
    return column[0] if column and len(set(column)) == 1 else column


def _unpack(column: str | list[str], n: int) -> tuple[str, ...]:
    return (column,) * n if isinstance(column, str) else tuple(column)
