"""The paper's open question: do better images help more? Each quality metric against the gain."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.report.drawing import BLUE, GREEN, GREY, MARKERS, ORANGE, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.gains import chains
from ferlab.report.section import Album, Section
from ferlab.report.verdict import figure as value_of

WHOLE = "all"  # the name of a family's own value over all expressions, where it has one


def section(evidence: Evidence, album: Album) -> Section:
    """A panel a metric: one mark a family, classifier and seed."""
    ran = [one for one in chains(evidence) if one.whole and one.family in evidence.quality]
    gained = {(one.family, one.plain): one.whole for one in ran if one.whole}
    values = {family: metrics(evidence.quality[family]) for family, _ in gained}
    names = dict.fromkeys(name for one in values.values() for name in one)
    marks: dict[str, list[tuple[str, str, float, float]]] = {
        name: [
            (family, plain, values[family][name], 100 * gain)
            for (family, plain), whole in gained.items()
            if name in values[family]
            for gain in whole.values
        ]
        for name in names
    }
    drawn = {
        f"Gain of accuracy against {name} of the images, a mark a family, classifier and seed.": panel(name, found)
        for name, found in marks.items()
    }
    means = {f"{family}, {plain}": round(100 * one.mean, 4) for (family, plain), one in gained.items()}
    numbers = {"gain_points": means, "quality": values}
    pictures = album.panels("usefulness", 3, (3.6, 3.0), drawn)
    return Section("usefulness", "Quality and gain", "Do better images help more?", {"panels": pictures}, numbers)


def metrics(classes: Mapping[str, Any]) -> dict[str, float]:
    """Every numeric quality metric of a family: its value over all expressions, else the mean over them."""
    names = dict.fromkeys(name for one in classes.values() if isinstance(one, Mapping) for name in one)
    found = {}
    for name in names:
        own = [v for c in CKPLUS_CLASSES if (v := value_of(classes, c, name)) is not None]
        whole = value_of(classes, WHOLE, name)
        if whole is not None or own:
            found[name] = round(whole if whole is not None else float(np.mean(own)), 6)
    return {name: value for name, value in found.items() if name not in ("samples", "real", "sequences")}


def panel(metric: str, marks: list[tuple[str, str, float, float]]) -> Panel:
    """Gain in points against one metric. Colour and shape tell the family, filled or hollow the classifier."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0, color=GREY, lw=1)
        plains = list(dict.fromkeys(mark[1] for mark in marks))
        for k, family in enumerate(dict.fromkeys(mark[0] for mark in marks)):
            for j, plain in enumerate(plains):
                own = [(x, y) for f, p, x, y in marks if (f, p) == (family, plain)]
                colour = (BLUE, ORANGE, GREEN)[k % 3]
                axes.plot(
                    [x for x, _ in own], [y for _, y in own], MARKERS[k % len(MARKERS)],
                    color=colour, mfc="none" if j else colour, label=f"{family}, {plain}", ls="none",
                )  # fmt: skip
        axes.set(xlabel=metric.replace("_", " "), ylabel="gain, points")
        axes.margins(0.2)
        axes.grid(color="#e4e4e4")
        figure.legend(loc="outside upper center", fontsize=7, ncols=2)

    return draw
