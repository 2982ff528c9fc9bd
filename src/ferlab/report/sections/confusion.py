"""Confusion matrices: which expressions are taken for which."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ferlab.evaluation.metrics import confusion
from ferlab.report.drawing import Panel
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """A matrix an arm, summed over seeds: a table on the page, a sheet of them for print."""
    classes = evidence.classes
    counts = {arm: np.sum([confusion(run) for run in seeds.values()], axis=0) for arm, seeds in evidence.runs.items()}
    album.sheet("confusion", 2, (4.5, 4.5), [confusion_panel(arm, matrix, classes) for arm, matrix in counts.items()])
    cells = {arm: np.stack([shares(matrix), matrix], axis=-1).tolist() for arm, matrix in counts.items()}
    return PageSection("confusion", "Confusion", "Confusion matrices", {"confusions": cells, "classes": classes})


def shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Percent of each true class: float64 (C, C); 0 in the row of a class without images."""
    percent: NDArray[np.float64] = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return percent


def confusion_panel(title: str, counts: NDArray[np.int64], classes: Sequence[str]) -> Panel:
    """A confusion matrix: percent of each true class, with counts below.

    Args:
        counts: int64 (C, C), rows true and columns predicted, in the order of `classes`.
    """
    percent = shares(counts)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.imshow(percent, cmap="cividis", vmin=0, vmax=100)
        for (i, j), value in np.ndenumerate(percent):
            ink = "white" if value < 50 else "black"
            axes.text(j, i - 0.13, f"{value:.0f}%", ha="center", va="center", color=ink, fontsize=9)
            axes.text(j, i + 0.26, f"{counts[i, j]}", ha="center", va="center", color=ink, fontsize=6.8)
        ticks = np.arange(len(classes))
        axes.set_xticks(ticks, classes, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(ticks, classes)
        axes.set(xlabel="predicted", ylabel="true", title=title)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    return draw
