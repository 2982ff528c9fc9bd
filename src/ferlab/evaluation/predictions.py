"""The seam: one small parquet file a run, from which every published statistic can be recomputed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from ferlab.data.colour import GREY
from ferlab.data.images import SIDE, ImageSet
from ferlab.data.labels import FER_CLASSES
from ferlab.data.votes import fault
from ferlab.errors import UserError
from ferlab.files import atomic_write, canonical_json

TOLERANCE = 1e-6  # of a row's sum of probabilities
_VOTES = "votes:"  # before a class's name
_ABOUT = b"ferlab"  # the key of the file's metadata that says what `Predictions` has beside its rows


@dataclass(frozen=True)
class Predictions:
    """What a run says of some images.

    Attributes:
        ids: N distinct names of images.
        truth: int64 (N,), indices into `classes`.
        probabilities: float64 (N, C), a column a class, rows summing to 1.
        run: the identity of the training that made them.
        classes: C names, in the order of the classifier's outputs.
        split: which part of a data set the images are, e.g. `test`.
        side: height and width of the images, in pixels.
        channels: of the images, 1 (grey) or 3 (RGB).
        votes: float32 (N, C), by how many of those who voted each class was seen, rows summing to 1; None where nobody
            voted.
    """

    ids: tuple[str, ...]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    run: str
    classes: tuple[str, ...] = FER_CLASSES
    split: str = "test"
    side: int = SIDE
    channels: int = GREY
    votes: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, images: ImageSet, probabilities: NDArray[np.float64], run: str) -> Self:
        """What the training `run` says of a set: `probabilities` is float64 (N, C), a column a class of the set."""
        kind = images.split, images.side, images.channels
        return cls(images.ids, images.labels, probabilities, run, images.classes, *kind, images.votes)

    @property
    def chosen(self) -> NDArray[np.int64]:
        """int64 (N,): the most probable class of each image."""
        chosen: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return chosen

    @property
    def correct(self) -> NDArray[np.bool_]:
        """bool (N,): whether it is the true one."""
        correct: NDArray[np.bool_] = self.chosen == self.truth
        return correct

    def only(self, rows: ArrayLike) -> Self:
        """What is said of some of the images: `rows` is bool (N,)."""
        return self.take(np.flatnonzero(rows))

    def take(self, rows: NDArray[np.intp]) -> Self:
        """What is said of the images at these places, in their order: `rows` is int (M,)."""
        ids = tuple(self.ids[i] for i in rows)
        votes = None if self.votes is None else self.votes[rows]
        return replace(self, ids=ids, truth=self.truth[rows], probabilities=self.probabilities[rows], votes=votes)


def concatenate(parts: Sequence[Predictions]) -> Predictions:
    """What one run says of several splits, one after the other; a single part is returned as it is.

    Raises:
        UserError: the parts are of several runs or classes, or share an image.
    """
    first, *others = parts
    if not others:
        return first
    for part in others:
        kind = part.run, part.classes, part.side, part.channels, part.votes is None
        if kind != (first.run, first.classes, first.side, first.channels, first.votes is None):
            raise UserError(
                f"the predictions of {part.split} are of another run than those of {first.split}",
                where=f"{first.run} and {part.run}",
                next_step="`dvc repro` makes both anew",
            )
    ids = tuple(name for part in parts for name in part.ids)
    if len(set(ids)) < len(ids):
        raise UserError(f"the splits {', '.join(part.split for part in parts)} share an image", where=first.run)
    return Predictions(
        ids,
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        first.run,
        first.classes,
        "+".join(part.split for part in parts),
        first.side,
        first.channels,
        None if first.votes is None else np.concatenate([part.votes for part in parts if part.votes is not None]),
    )


def write(path: Path, predictions: Predictions) -> None:
    """Write predictions as parquet, atomically: equal ones give equal bytes.

    Columns are `id`, `truth`, one a class, and `run`; classes, split and side stand in the file's metadata, and that
    images are in colour. Where there are votes, a class has a column `votes:<class>` too, and the metadata say so.
    """
    columns: dict[str, Any] = {"id": pa.array(predictions.ids, pa.large_string()), "truth": predictions.truth}
    for name, column in zip(predictions.classes, predictions.probabilities.T, strict=True):
        columns[name] = np.ascontiguousarray(column)
    columns["run"] = pa.array([predictions.run] * len(predictions.ids), pa.large_string())
    about: dict[str, Any] = {key: getattr(predictions, key) for key in ("classes", "split", "side")}
    if predictions.channels != GREY:
        about["channels"] = predictions.channels
    if predictions.votes is not None:
        for name, column in zip(predictions.classes, predictions.votes.T, strict=True):
            columns[f"{_VOTES}{name}"] = np.ascontiguousarray(column)
        about["votes"] = True
    table = pa.table(columns, metadata={_ABOUT: canonical_json(about).encode()})
    with atomic_write(path) as handle:
        pq.write_table(table, handle)


def read(path: Path) -> Predictions:
    """Read and check a file of predictions. One without metadata is of FER-2013's test split, as all once were.

    Raises:
        UserError: unreadable, a column missing, an id twice, a class out of range, or probabilities or votes that
            don't sum to 1; the row is named.
    """
    try:
        content = pq.read_table(path)
        about = json.loads((content.schema.metadata or {}).get(_ABOUT, b"{}"))
        classes = tuple(about.get("classes", FER_CLASSES))
        split = str(about.get("split", "test"))
        side, channels = int(about.get("side", SIDE)), int(about.get("channels", GREY))
        table = content.to_pandas()
        probabilities = table[list(classes)].to_numpy(dtype=np.float64)
        ids = table["id"]
        truth = table["truth"].to_numpy(dtype=np.int64)
        runs = table["run"].unique()
        votes = None
        if about.get("votes"):
            votes = table[[f"{_VOTES}{name}" for name in classes]].to_numpy(dtype=np.float32)
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"not a file of predictions: {error}", where=str(path)) from None
    bad = np.flatnonzero(~(np.abs(probabilities.sum(axis=1) - 1) <= TOLERANCE) | (probabilities < 0).any(axis=1))
    if bad.size:
        raise UserError(f"row {bad[0]}: the probabilities don't sum to 1", where=str(path))
    if ids.duplicated().any():
        raise UserError(f"the image {ids[ids.duplicated()].iloc[0]} stands there twice", where=str(path))
    if ((truth < 0) | (truth >= len(classes))).any() or len(runs) != 1:
        raise UserError("a class is out of range, or the rows are of several runs", where=str(path))
    if votes is not None and (wrong := fault(votes, len(truth), len(classes))):
        raise UserError(f"the votes can't be right: {wrong}", where=str(path))
    return Predictions(tuple(ids), truth, probabilities, str(runs[0]), classes, split, side, channels, votes)
