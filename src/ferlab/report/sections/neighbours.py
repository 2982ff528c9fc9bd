"""The systems that the paper quotes, each beside ours on the same images, and what our runs reach together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ferlab.evaluation.comparison import Flips, align, mcnemar
from ferlab.evaluation.intervals import Interval
from ferlab.files import write_text
from ferlab.papers import Neighbour
from ferlab.report import words
from ferlab.report.ensembles import NETWORKS, Ensemble, ensembles, table
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection
from ferlab.report.rows import main_arms
from ferlab.report.tables import accuracy

FILE = "ensembles.csv"


@dataclass(frozen=True)
class Ours:
    """What stands beside a quoted figure.

    Attributes:
        name: an arm, or an ensemble in words.
        accuracy: 0-1, with its interval.
        other: the run that it is tested against, of the plain network or the ensemble's best member; "" for none.
        gain: over that run, 0-1, of the first seed that both have.
        flips: McNemar's exact test of the two.
    """

    name: str
    accuracy: Interval
    other: str = ""
    gain: float = 0.0
    flips: Flips | None = None


@dataclass(frozen=True)
class Row:
    """A quoted system, and ours; None where that hasn't run."""

    quoted: Neighbour
    ours: Ours | None

    @property
    def difference(self) -> float | None:
        """Ours minus the printed figure, 0-1."""
        printed = self.quoted.percent
        return None if self.ours is None or printed is None else self.ours.accuracy.value - printed / 100


def section(evidence: Evidence, album: Album) -> PageSection:
    """A row a quoted system, and a row an ensemble; the latter also written as ensembles.csv."""
    made = evidence.once(ensembles)
    together = table(made)
    write_text(album.folder / FILE, together.to_csv(index=False, lineterminator="\n"))
    rows = [Row(one, _ours(evidence, made, one)) for one in evidence.paper.neighbours]
    drawn = words.drawn(evidence.params)
    numbers = {
        "quoted": {row.quoted.name: _numbers(row, drawn) for row in rows if row.ours},
        "ensembles": {f"{row['ensemble']}, {row['rule']}": _plain(row) for row in together.to_dict("records")},
    }
    values = {
        "reference": [row for row in rows if not row.quoted.arms and not row.quoted.ensemble],
        "beside": [row for row in rows if row.ours],
        "absent": [row for row in rows if not row.ours and (row.quoted.arms or row.quoted.ensemble)],
        "drawn": drawn,
        "together": made,
        "unweighted": sorted({one.name for one in made} - {one.name for one in made if one.rule != "average"}),
    }
    title = "The systems that the paper compares itself with" if rows else "Our runs combined"
    return PageSection("neighbours", "Neighbours" if rows else "Combined", title, values, numbers)


def _ours(evidence: Evidence, made: list[Ensemble], quoted: Neighbour) -> Ours | None:
    if quoted.ensemble:
        wanted = quoted.arms or (NETWORKS,)
        found = next((one for one in made if one.name in wanted and one.rule == "average"), None)
        return _of_ensemble(found) if found else None
    arm = next((arm for arm in quoted.arms if arm in evidence.test_runs), None)
    if arm is None:
        return None
    seeds = evidence.test_runs[arm]
    _, plain = main_arms(evidence.params, evidence.paper) or ("", "")
    shared = [seed for seed in evidence.test_runs.get(plain, {}) if seed in seeds]
    if not shared:
        return Ours(arm, accuracy(seeds))
    one, other = seeds[shared[0]], evidence.test_runs[plain][shared[0]]
    gain = float(one.correct.mean() - other.correct.mean())
    flips = mcnemar(other, align(other, one, (plain, arm)))
    return Ours(arm, accuracy(seeds), f"{plain}-{shared[0]}", gain, flips)


def _of_ensemble(one: Ensemble) -> Ours:
    name = f"{len(one.members)} runs of {one.name}, averaged"
    if one.best is None:
        return Ours(name, one.accuracy)
    gain = one.accuracy.value - float(one.alone[one.best].correct.mean())
    return Ours(name, one.accuracy, one.best, gain, one.against_best)


def _numbers(row: Row, drawn: bool) -> dict[str, Any]:
    assert row.ours
    bounds = row.ours.accuracy
    numbers: dict[str, Any] = {"ours": row.ours.name}
    for key, share in (("percent", bounds.value), ("low_percent", bounds.low), ("high_percent", bounds.high)):
        numbers[key] = round(100 * share, 4)
    if row.difference is not None and not drawn:
        numbers["difference_points"] = round(100 * row.difference, 4)
    if row.ours.flips:
        numbers |= {"against": row.ours.other, "gain_points": round(100 * row.ours.gain, 4)}
        numbers["mcnemar_p"] = float(f"{row.ours.flips.p:.6g}")
    return numbers


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    keys = ("accuracy_percent", "low_percent", "high_percent", "members_percent", "best_percent", "mcnemar_p")
    return {"members": row["members"].split()} | {key: None if pd.isna(row[key]) else row[key] for key in keys}
