"""Tuning in the report: what was searched, how it went, and the choice beside the paper's setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferlab.params import Median, Range, SuccessiveHalving
from ferlab.records.search import NEAR, SearchRecord, Values, ranks
from ferlab.report.drawing import BLUE, GREEN, GREY, INK, ORANGE, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


@dataclass(frozen=True)
class Search:
    """One classifier's search, as the tune stage left it.

    Attributes:
        trials: a row a trial: `number`, a column for each key searched, `value` (0-1, may be NaN), `state`.
        record: what it was told and chose; None if its file is absent.
        majority: share (0-1) of the validation split's commonest class; None if it isn't known.
    """

    trials: pd.DataFrame
    record: SearchRecord | None
    majority: float | None = None

    @property
    def ranks(self) -> bool:
        """Whether any trial is far enough above always answering the commonest class for their order to mean much."""
        return self.majority is None or ranks(self.trials["value"], self.majority)

    @property
    def importances(self) -> Mapping[str, float]:
        """Key -> share of the variance among trials; empty where the trials rank nothing."""
        return self.record.importances if self.record and self.ranks else {}

    @property
    def keys(self) -> list[str]:
        return [key for key in self.trials.columns if key not in ("number", "value", "state", "error")]


def section(evidence: Evidence, album: Album) -> PageSection:
    """A panel and a table a search."""
    searches, majority = {}, _majority(evidence)
    for name in evidence.params.run.tuned:
        trials = evidence.table(f"trials/{name}.csv", "number", "value", "state")
        if trials is not None:
            record = evidence.search(name)
            searches[name] = Search(trials, record, _own_majority(record) or majority)
    used = any(evidence.params.arms[arm].tuned for arm in evidence.runs)
    reference = "the paper's setting" if evidence.paper.title else "the reference"
    drawn = {
        f"Tuning of {name}: accuracy of each trial in turn, importance of each key, and a slice a key.": panel(
            name, search, reference
        )
        for name, search in searches.items()
    }
    values = {
        "tuning": album.panels("tuning", 1, size(searches), drawn),
        "searches": searches,
        "halving": halving_words(evidence.params.tune.pruner),
        "settings_line": settings,
        "transfer_sentence": sentence,
        "near": NEAR,
        "used": used,
    }
    return PageSection(
        "tuning", "Tuning", "Tuning", values, {name: _numbers(search) for name, search in searches.items()}
    )


def _own_majority(record: SearchRecord | None) -> float | None:
    images = record.images if record else None
    return images.commonest / images.valid if images and images.commonest else None


def _majority(evidence: Evidence) -> float | None:
    counts = evidence.audit.fer2013.images.get("valid", {}).values() if evidence.audit else ()
    return max(counts) / sum(counts) if sum(counts) else None


def _numbers(search: Search) -> dict[str, Any]:
    told = search.record.plain() | {"importances": dict(search.importances)} if search.record else {}
    share = None if search.majority is None else round(search.majority, 6)
    return told | {"majority": share, "ranks": search.ranks}


def halving_words(pruner: Median | SuccessiveHalving) -> str:
    """By what rule trials were stopped early; empty of the median, Optuna's usual one."""
    if isinstance(pruner, Median):
        return ""
    best, first = f"all but the best 1/{pruner.reduction}", f"after epoch {pruner.min_epochs}"
    return f" ({best} {first}, and again after {pruner.reduction} times as many)"


def settings(values: Values) -> str:
    """Settings in one line."""
    return ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in values.items()
    )


def sentence(search: Search) -> str:
    """Whether the order of the trials on a part of the data held on the whole; empty where too few were tried."""
    trials = search.record.transfer if search.record else ()
    checked = [(trial.whole, trial.trial) for trial in trials if trial.whole is not None]
    if len(checked) < 2:
        return ""
    best = max(checked, key=lambda one: one[0])
    if best == checked[0]:
        return "The best trial on a part of the training split was also the best on the whole."
    return "On the whole training split the order changed, so the best trial on a part isn't the one chosen."


def size(searches: Mapping[str, Search]) -> tuple[float, float]:
    """Inches that hold the panel of each search."""
    return 6.4, 0.4 + 2.5 * max((_rows(search) for search in searches.values()), default=1)


def _rows(search: Search) -> int:
    return 1 + (len(search.keys) + 1) // 2


def panel(name: str, search: Search, reference: str) -> Panel:
    """History, importance of the keys, and a slice a key; `reference` says what the trials are held against."""
    keys = search.keys
    rows = _rows(search)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(rows, 2, squeeze=False)
        _history(axes[0, 0], search, reference)
        _importance(axes[0, 1], search)
        for key, place in zip(keys, axes[1:].flat, strict=False):
            _slice(place, key, search)
        for place in list(axes[1:].flat)[len(keys) :]:
            place.set_axis_off()
        figure.suptitle(name, fontsize=10.5, fontweight="bold")

    return draw


def _history(axes: Axes, search: Search, reference: str) -> None:
    trials, record = search.trials, search.record
    _points(axes, trials["number"], search)
    best = trials["value"].where(trials["state"] == "COMPLETE").cummax().ffill()
    axes.step(trials["number"], 100 * best, where="post", color=INK, lw=1.2, label="best so far")
    if record and record.reference.part is not None:
        axes.axhline(100 * record.reference.part, color=ORANGE, ls="--", lw=1.2, label=reference)
    if search.majority is not None:
        axes.axhline(100 * search.majority, color=GREY, ls=":", lw=1.6, label="always the commonest class")
    axes.set(title="History", xlabel="trial", ylabel="validation accuracy, %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(fontsize=7.5)


def _importance(axes: Axes, search: Search) -> None:
    axes.set(title="Importance", xlabel="share of variance, %")
    importances = search.importances
    if not importances:
        why = "too few trials" if search.ranks else "not named: no trial is far\nabove the commonest class"
        axes.text(0.5, 0.5, why, ha="center", va="center", color=GREY, transform=axes.transAxes)
        axes.set_yticks([])
        return
    ranked = sorted(search.keys, key=lambda key: importances.get(key, 0.0))
    axes.barh(ranked, [100 * importances.get(key, 0.0) for key in ranked], color=GREEN)
    axes.set_xlim(0, 100)


def _slice(axes: Axes, key: str, search: Search) -> None:
    values = search.trials[key]
    dimension = search.record.tune.space.get(key) if search.record else None
    if isinstance(dimension, list):
        names = [str(choice) for choice in dimension]
        values = values.astype(str).map({name: i for i, name in enumerate(names)})
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
    elif isinstance(dimension, Range) and dimension.log:
        axes.set_xscale("log")
        axes.set_xlim(dimension.low / 1.3, dimension.high * 1.3)
    _points(axes, values, search)
    if search.majority is not None:
        axes.axhline(100 * search.majority, color=GREY, ls=":", lw=1.6)
    axes.set(title=f"Slice: {key}", xlabel=key, ylabel="validation accuracy, %")


def _points(axes: Axes, x: pd.Series, search: Search) -> None:
    trials = search.trials
    complete = trials["state"] == "COMPLETE"
    values = 100 * trials["value"]
    axes.scatter(x[complete], values[complete], s=28, c=BLUE, marker="o")
    gone = ~complete
    axes.scatter(x[gone], values[gone].fillna(0), s=28, facecolors="none", edgecolors=BLUE, marker="s", clip_on=False)
    highest = max(float(np.nan_to_num(values.max())), 100 * (search.majority or 0))
    axes.set_ylim(0, max(10.0, 1.15 * highest))
    axes.grid(color="#e4e4e4")
