"""What added images do to each expression."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ferlab.evaluation.comparison import Difference, paired
from ferlab.evaluation.metrics import recalls
from ferlab.evaluation.predictions import Predictions
from ferlab.report.differences import points
from ferlab.report.drawing import BLUE, GREY, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.gains import chains
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """Recall of each class by arm, and its change by each GAN's images over paired seeds."""
    pairs = [(chain.plain, chain.target) for chain in chains(evidence) if chain.whole]
    effects = {pair: by_class(evidence, *pair) for pair in pairs}
    drawn = {
        f"Change of each expression's recall from {plain} to {target}, in points.": panel(target, changes)
        for (plain, target), changes in effects.items()
    }
    values = {
        "recalls": {arm: _mean_recalls(seeds) for arm, seeds in evidence.runs.items()},
        "classes": evidence.classes,
        "effects": album.panels("classes", 2, (4.5, 3.2), drawn),
    }
    numbers: dict[str, Any] = {
        target: {name: points(change) for name, change in changes.items()} for (_, target), changes in effects.items()
    }
    return PageSection("classes", "Classes", "Per-class effects", values, numbers)


def _mean_recalls(seeds: Mapping[int, Predictions]) -> list[float | None]:
    """Recall of each class (0-1), mean over seeds; None for a class that never occurs."""
    means = np.mean([recalls(run) for run in seeds.values()], axis=0)
    return [None if np.isnan(mean) else float(mean) for mean in means]


def by_class(evidence: Evidence, plain: str, target: str) -> dict[str, Difference]:
    """Class -> change of its recall (0-1) over the seeds that both arms have; classes that never occur are left out."""
    first, second = evidence.runs[plain], evidence.runs[target]
    seeds = [seed for seed in first if seed in second]
    before = np.array([recalls(first[seed]) for seed in seeds])
    after = np.array([recalls(second[seed]) for seed in seeds])
    return {
        name: paired(before[:, i].tolist(), after[:, i].tolist())
        for i, name in enumerate(evidence.classes)
        if not np.isnan(before[:, i]).any()
    }


def panel(title: str, changes: dict[str, Difference]) -> Panel:
    """One dot a class with its 95% interval where there is one."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=GREY, lw=1)
        for y, change in enumerate(changes.values()):
            half = 100 * (change.high - change.mean) if change.varies else 0
            axes.errorbar(100 * change.mean, y, xerr=half or None, fmt="o", color=BLUE, capsize=3)
        axes.set_yticks(range(len(changes)), list(changes))
        axes.set(ylim=(len(changes) - 0.5, -0.5), xlabel="change of recall, points", title=title)
        axes.grid(axis="x", color="#e4e4e4")

    return draw
