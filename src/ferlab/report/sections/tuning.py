"""Tuning: every trial of every search."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ferlab.report.drawing import BLUE, GREEN, INK, MARKERS, ORANGE, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section


def section(evidence: Evidence, album: Album) -> Section:
    """A panel a search."""
    names = evidence.params.run.tuned
    trials = {name: evidence.table(f"trials/{name}.csv", "lr", "batch_size", "value") for name in names}
    drawn = {
        f"Validation accuracy of each trial of {name} against its learning rate.": trial_panel(
            name, found, *evidence.params.tune.lr
        )
        for name, found in trials.items()
        if found is not None
    }
    return Section("tuning", "Tuning", "Tuning", {"tuning": album.panels("tuning", 1, (5.2, 3.4), drawn)})


def trial_panel(title: str, trials: pd.DataFrame, low: float, high: float) -> Panel:
    """Tuning: validation accuracy against learning rate, a marker a batch size; trials without a value lie on the axis.

    Args:
        trials: columns `number`, `lr`, `batch_size`, `value` (0-1, may be NaN), `state`.
        low, high: the range of learning rates searched.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for k, (size, part) in enumerate(trials.groupby("batch_size")):
            colour, marker = (BLUE, ORANGE, GREEN)[k % 3], MARKERS[k % len(MARKERS)]
            axes.scatter(part["lr"], 100 * part["value"], s=40, c=colour, marker=marker, label=f"batch size {size}")
            gone = part["lr"][part["value"].isna()]
            axes.scatter(
                gone, [0] * len(gone), s=40, facecolors="none", edgecolors=colour, marker=marker, clip_on=False
            )
        best = trials[trials["value"] == trials["value"].max()].head(1)  # empty when no trial has a value
        axes.plot(best["lr"], 100 * best["value"], "o", ms=13, mfc="none", mec=INK, label="best")
        axes.set(xscale="log", xlim=(low / 1.3, high * 1.3), title=title)
        axes.set_ylim(0, max(10.0, 115 * float(np.nan_to_num(trials["value"].max()))))
        axes.set(xlabel="learning rate (log scale)", ylabel="validation accuracy, %")
        axes.grid(color="#e4e4e4")
        figure.legend(loc="outside upper right", fontsize=8.5, ncols=2)

    return draw
