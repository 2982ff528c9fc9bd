"""The seam: one small parquet file a run, from which every published statistic can be recomputed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow import ArrowException

from ferlab.data.labels import FER_CLASSES
from ferlab.errors import UserError
from ferlab.files import atomic_write

TOLERANCE = 1e-6  # of a row's sum of probabilities


@dataclass(frozen=True)
class Predictions:
    """What a run says of the test split.

    Attributes:
        ids: N distinct names of images.
        truth: int64 (N,), indices into FER_CLASSES.
        probabilities: float64 (N, 7), rows summing to 1.
        run: the identity of the training that made them.
    """

    ids: tuple[str, ...]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    run: str

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


def write(path: Path, predictions: Predictions) -> None:
    """Write predictions as parquet, atomically."""
    table = pd.DataFrame({"id": predictions.ids, "truth": predictions.truth})
    for i, name in enumerate(FER_CLASSES):
        table[name] = predictions.probabilities[:, i]
    table["run"] = predictions.run
    with atomic_write(path) as handle:
        table.to_parquet(handle, index=False)


def read(path: Path) -> Predictions:
    """Read and check a file of predictions.

    Raises:
        UserError: unreadable, a column missing, an id twice, a class out of range, or probabilities that don't sum
            to 1; the row is named.
    """
    try:
        table = pd.read_parquet(path)
        probabilities = table[list(FER_CLASSES)].to_numpy(dtype=np.float64)
        ids, truth = table["id"], table["truth"].to_numpy(dtype=np.int64)
        runs = table["run"].unique()
    except (OSError, ArrowException, KeyError, ValueError) as error:
        raise UserError(f"not a file of predictions: {error}", where=str(path)) from None
    bad = np.flatnonzero(~(np.abs(probabilities.sum(axis=1) - 1) <= TOLERANCE) | (probabilities < 0).any(axis=1))
    if bad.size:
        raise UserError(f"row {bad[0]}: the probabilities don't sum to 1", where=str(path))
    if ids.duplicated().any():
        raise UserError(f"the image {ids[ids.duplicated()].iloc[0]} stands there twice", where=str(path))
    if ((truth < 0) | (truth >= len(FER_CLASSES))).any() or len(runs) != 1:
        raise UserError("a class is out of range, or the rows are of several runs", where=str(path))
    return Predictions(tuple(ids), truth, probabilities, str(runs[0]))
