"""What added images do to each expression."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ferlab.data.labels import FER_CLASSES
from ferlab.evaluation.comparison import Difference, paired
from ferlab.evaluation.metrics import recalls
from ferlab.report.drawing import BLUE, GREY, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.gains import chains
from ferlab.report.section import Album, Section
from ferlab.report.verdict import points


def section(evidence: Evidence, album: Album) -> Section:
    """Recall of each class by arm, and its change by each GAN's images over paired seeds."""
    named = {
        arm: np.mean([recalls(run) for run in seeds.values()], axis=0).tolist() for arm, seeds in evidence.runs.items()
    }
    pairs = [(one.plain, one.target) for one in chains(evidence) if one.whole]
    effects = {pair: by_class(evidence, *pair) for pair in pairs}
    drawn = {
        f"Change of each expression's recall from {plain} to {target}, in points.": panel(target, found)
        for (plain, target), found in effects.items()
    }
    values = {
        "recalls": named,
        "classes": FER_CLASSES,
        "effects": album.panels("classes", 2, (4.5, 3.2), drawn),
    }
    numbers: dict[str, Any] = {
        target: {name: points(one) for name, one in found.items()} for (_, target), found in effects.items()
    }
    return Section("classes", "Classes", "Per-class effects", values, numbers)


def by_class(evidence: Evidence, plain: str, target: str) -> dict[str, Difference]:
    """Class -> change of its recall (0-1) over the seeds that both arms have; classes that never occur are left out."""
    first, second = evidence.runs[plain], evidence.runs[target]
    seeds = [seed for seed in first if seed in second]
    before, after = (np.array([recalls(runs[seed]) for seed in seeds]) for runs in (first, second))
    return {
        name: paired(before[:, i].tolist(), after[:, i].tolist())
        for i, name in enumerate(FER_CLASSES)
        if not np.isnan(before[:, i]).any()
    }


def panel(title: str, found: dict[str, Difference]) -> Panel:
    """One dot a class with its 95% interval where there is one."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=GREY, lw=1)
        for y, one in enumerate(found.values()):
            half = 100 * (one.high - one.mean) if one.varies else 0
            axes.errorbar(100 * one.mean, y, xerr=half or None, fmt="o", color=BLUE, capsize=3)
        axes.set_yticks(range(len(found)), list(found))
        axes.set(ylim=(len(found) - 0.5, -0.5), xlabel="change of recall, points", title=title)
        axes.grid(axis="x", color="#e4e4e4")

    return draw
