"""The paper's open question: do better images help more? Each quality metric against the gain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from ferlab.records.quality import METRICS, FamilyQuality
from ferlab.report.drawing import BLUE, GREEN, GREY, MARKERS, ORANGE, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.gains import chains
from ferlab.report.page import Album, PageSection


@dataclass(frozen=True)
class Mark:
    """One seed's gain, in points, by the images of `family` over the arm `plain`, and a metric of those images."""

    family: str
    plain: str
    metric: float
    gain: float


def section(evidence: Evidence, album: Album) -> PageSection:
    """A panel a metric: one mark a family, classifier and seed. Shown only where two families can be compared."""
    gains = {(one.family, one.plain): one.whole for one in chains(evidence) if one.whole}
    gains = {key: gain for key, gain in gains.items() if key[0] in evidence.quality}
    quality = {family: metrics(evidence.quality[family]) for family, _ in gains}
    marks: dict[str, list[Mark]] = {}
    for (family, plain), whole in gains.items():
        for name, value in quality[family].items():
            marks.setdefault(name, []).extend(Mark(family, plain, value, 100 * gain) for gain in whole.values)
    varying = {name: of_metric for name, of_metric in marks.items() if len({mark.metric for mark in of_metric}) > 1}
    drawn = {
        f"Gain of accuracy against {name} of the images, a mark a family, classifier and seed.": panel(name, of_metric)
        for name, of_metric in varying.items()
    }
    means = {f"{family}, {plain}": round(100 * whole.mean, 4) for (family, plain), whole in gains.items()}
    numbers = {"gain_points": means, "quality": quality}
    values = {
        "panels": album.panels("usefulness", 3, (3.6, 3.0), drawn),
        "equal": [name.replace("_", " ") for name in marks if name not in varying],
    }
    title = "Do better images help more?"
    return PageSection("usefulness", "Quality and gain", title, values, numbers, shown=len(quality) > 1)


def metrics(family: FamilyQuality) -> dict[str, float]:
    """Every quality metric of a family: its value over all expressions, else the mean over them."""
    means = {}
    for name in METRICS:
        values = [value for one in family.classes.values() if (value := one.value(name)) is not None]
        whole = family.all.value(name)
        if whole is not None or values:
            means[name] = round(whole if whole is not None else float(np.mean(values)), 6)
    return means


def panel(metric: str, marks: Sequence[Mark]) -> Panel:
    """Gain in points against one metric. Colour and shape tell the family, filled or hollow the classifier."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0, color=GREY, lw=1)
        plains = list(dict.fromkeys(mark.plain for mark in marks))
        for k, family in enumerate(dict.fromkeys(mark.family for mark in marks)):
            for j, plain in enumerate(plains):
                own = [mark for mark in marks if (mark.family, mark.plain) == (family, plain)]
                colour = (BLUE, ORANGE, GREEN)[k % 3]
                axes.plot(
                    [mark.metric for mark in own], [mark.gain for mark in own], MARKERS[k % len(MARKERS)],
                    color=colour, mfc="none" if j else colour, label=f"{family}, {plain}", ls="none",
                )  # fmt: skip
        axes.set(xlabel=metric.replace("_", " "), ylabel="gain, points")
        axes.margins(0.2)
        axes.grid(color="#e4e4e4")
        figure.legend(loc="outside upper center", fontsize=7, ncols=2)

    return draw
