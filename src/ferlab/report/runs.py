"""The predictions of a budget's runs, held against each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ferlab.errors import UserError
from ferlab.evaluation import predictions
from ferlab.evaluation.predictions import Predictions
from ferlab.params import Params

Runs = dict[str, dict[int, Predictions]]
"""Arm -> seed -> what the run says."""

FOLDERS = {"test": "predictions", "valid": "valid"}
"""Split -> the folder of reports/<budget>/ that holds what runs say of it."""


def read_runs(folder: Path, params: Params, splits: Sequence[str] | None = None) -> Runs:
    """What every arm and seed that params names and that has been run says of the splits that judge it.

    A run of which one split is missing counts as not run.

    Args:
        splits: read these for every arm, instead of the arm's own `tests`.

    Raises:
        UserError: a file is damaged, or runs were scored on different images, so that rows can't be compared.
    """
    runs: Runs = {}
    first: tuple[Path, Mapping[str, int]] | None = None
    for arm in params.run.arms:
        for seed in params.run.seeds:
            paths = [folder / FOLDERS[split] / f"{arm}-{seed}.parquet" for split in splits or params.arms[arm].tests]
            if not all(path.exists() for path in paths):
                continue
            run = predictions.concatenate([predictions.read(path) for path in paths])
            truth = dict(zip(run.ids, run.truth.tolist(), strict=True))
            first = first or (paths[0], truth)
            _must_be_of(first, paths[0], truth, run)
            runs.setdefault(arm, {})[seed] = run
    return runs


def _must_be_of(first: tuple[Path, Mapping[str, int]], path: Path, truth: Mapping[str, int], run: Predictions) -> None:
    other, known = first
    if truth.keys() != known.keys():
        raise UserError(
            f"its test images are not those of {other.name}, so the two can't be in one table",
            where=str(path),
            next_step="run `dvc repro`, which brings old predictions up to date; arms of one report have equal `tests`",
        )
    if truth != known:
        name = next(name for name in truth if truth[name] != known[name])
        raise UserError(
            f"row {run.ids.index(name)}: the true class of {name} is not the one in {other.name}",
            where=str(path),
            next_step="run `dvc repro`, which brings old predictions up to date",
        )
