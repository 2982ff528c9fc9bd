"""Whether what a search came to follows from its trials, and whether all that were planned are there."""

from collections import Counter
from collections.abc import Iterator
from math import isclose
from typing import Any

import pandas as pd

from ferlab.records.search import SearchRecord, Trial
from ferlab.report.evidence import Evidence


def search_faults(evidence: Evidence) -> Iterator[str]:
    """Of every search that left a file, or that an arm says its settings are from."""
    folder = evidence.folder
    told = {arm.arm.classifier: arm.tuned_by for arm in evidence.arms.values() if arm.tuned_by}
    left = {path.stem for name in ("tuning", "trials") for path in (folder / name).glob("*.*")}
    for classifier in sorted(left | told.keys()):
        summary, path = folder / "tuning" / f"{classifier}.json", folder / "trials" / f"{classifier}.csv"
        record = evidence.search(classifier)
        table = evidence.table(f"trials/{classifier}.csv", "number", "value", "state")
        if record is None or table is None:
            yield f"{path if record else summary}: missing, though {classifier}'s settings were searched"
            continue
        yield from (f"{path}: {said}" for said in _of_trials(record, table))
        by = told.get(classifier)
        if by and (by.identity, by.trial) != (record.identity, record.chosen.trial):
            yield f"{summary}: chose trial {record.chosen.trial}, but the arms were given the settings of another"


def _of_trials(record: SearchRecord, table: pd.DataFrame) -> Iterator[str]:
    points = record.tune.points
    if len(table) < min(record.tune.trials, points or record.tune.trials):
        yield f"has {len(table)} trials, but {record.tune.trials} were planned"
    states = dict(Counter(table["state"]))
    if states != record.states:
        yield f"has trials that ended {states}, but the search says {record.states}"
    rows = {int(row["number"]): row for row in table.to_dict("records")}
    for trial in (*record.transfer, record.chosen):
        if trial.trial not in rows or not _same(trial, rows[trial.trial]):
            yield f"trial {trial.trial} isn't the one that the search names among its best"


def _same(trial: Trial, row: dict[Any, Any]) -> bool:
    return all(_equal(row.get(key), value) for key, value in {**trial.values, "value": trial.part}.items())


def _equal(shown: Any, value: Any) -> bool:
    """A table's numbers may lose their last bit on the way."""
    return isclose(shown, value) if isinstance(value, float) and isinstance(shown, float) else bool(shown == value)
