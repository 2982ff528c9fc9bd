"""A study of collapse as a table and a figure: how varied each setting's GANs are, and how many count as collapsed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from statsmodels.stats.weightstats import DescrStatsW

from ferlab.params.study import BASE, GanStudy
from ferlab.records.assessed import AssessedGan, latest
from ferlab.report.drawing import BLUE, GREY, ORANGE, Panel
from ferlab.report.formats import LEFT, RIGHT, markdown_table
from ferlab.report.words import DASH, decimal


@dataclass(frozen=True)
class Row:
    """One expression at one setting.

    Attributes:
        varied: the settings in which it departs from the base.
        steps: of each draw's discriminator.
        diversity: draw -> diversity, as a share of real faces'.
        differences: of the draws that the base has too: diversity minus the base's.
    """

    label: str
    point: str
    varied: Mapping[str, Any]
    steps: int
    diversity: Mapping[int, float]
    differences: tuple[float, ...]

    def collapsed(self, threshold: float) -> int:
        """How many draws are less varied than a share of real faces."""
        return sum(value < threshold for value in self.diversity.values())


def rows(study: GanStudy, lines: Sequence[AssessedGan]) -> list[Row]:
    """What has been assessed of a study, expression by expression; of a GAN made twice, the later."""
    found = latest([line for line in lines if line.family == study.family and line.draw in study.draws])
    table = []
    for label in study.labels:
        base: Mapping[int, float] = {}
        for point, settings in study.points.items():
            own = [line for line in found if line.label == label and line.settings == settings]
            diversity = {line.draw: line.diversity for line in sorted(own, key=lambda line: line.draw)}
            base = diversity if point == BASE else base
            differences = tuple(diversity[d] - base[d] for d in diversity if d in base and point != BASE)
            if own:
                table.append(Row(label, point, study.variations.get(point, {}), own[-1].steps, diversity, differences))
    return table


def t_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's 95% interval of the mean over draws; None of fewer than two."""
    if len(values) < 2:
        return None
    low, high = DescrStatsW(np.asarray(values)).tconfint_mean()
    return float(low), float(high)


def markdown(study: GanStudy, table: Sequence[Row], usual: float) -> str:
    """Both tables: diversity a setting, and the draws called collapsed by each threshold.

    Args:
        usual: the threshold that params.yaml has.
    """
    head = {"expression": LEFT, "setting": LEFT, "varied": LEFT, "steps": RIGHT, "draws": RIGHT}
    measured = [
        [*_names(row), ", ".join(f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.varied.items()),
         f"{row.steps:,}", str(len(row.diversity)), _with_interval(list(row.diversity.values())),
         ", ".join(decimal(value, 2) for value in row.diversity.values()), _with_interval(row.differences)]
        for row in table
    ]  # fmt: skip
    first = markdown_table(
        head | {"diversity (95%)": RIGHT, "each draw": LEFT, "minus the base's (95%)": RIGHT}, measured
    )
    shares = [
        [*_names(row), *(f"{row.collapsed(threshold)} of {len(row.diversity)}" for threshold in study.thresholds)]
        for row in table
    ]
    columns = {f"below {threshold:g}{' (ours)' if threshold == usual else ''}": RIGHT for threshold in study.thresholds}
    second = markdown_table({"expression": LEFT, "setting": LEFT} | columns, shares)
    return (
        f"Diversity (real faces: 1), with Student's t interval of the mean over draws:\n\n{first}\n"
        f"Draws called collapsed, by threshold:\n\n{second}"
    )


def _names(row: Row) -> list[str]:
    return [row.label, f"`{row.point}`"]


def _with_interval(values: Sequence[float]) -> str:
    """E.g. "0.21 (0.08 to 0.34)"; without interval for one draw, a dash for none."""
    if not values:
        return DASH
    mean, interval = decimal(math.fsum(values) / len(values), 2), t_interval(values)
    return f"{mean} ({decimal(interval[0], 2)} to {decimal(interval[1], 2)})" if interval else mean


def size(table: Sequence[Row]) -> tuple[float, float]:
    """Inches."""
    return 4.7, 0.9 + 0.7 * len(_labels(table)) + 0.3 * len(table)


def _labels(table: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.label for row in table))


def panel(table: Sequence[Row], usual: float) -> Panel:
    """A line a setting: a ring a draw, a dot for their mean with its interval, and the usual threshold."""

    def draw(figure: Figure) -> None:
        parts = [[row for row in table if row.label == label] for label in _labels(table)]
        sizes = {"height_ratios": [len(part) for part in parts]}
        places = figure.subplots(len(parts), 1, sharex=True, squeeze=False, gridspec_kw=sizes)[:, 0]
        for axes, part in zip(places, parts, strict=True):
            _draw(axes, part, usual)
            axes.set_title(part[0].label)
        places[-1].set_xlim(left=0)  # once all are drawn: the axis is shared, and fixes its other end too
        places[-1].set_xlabel("diversity (real faces: 1)")

    return draw


def _draw(axes: Axes, table: Sequence[Row], usual: float) -> None:
    axes.axvline(usual, color=ORANGE, ls="--", lw=1.2)
    for y, row in enumerate(table):
        values = list(row.diversity.values())
        axes.plot(values, [y] * len(values), "o", color=GREY, mfc="none", ms=5)
        if interval := t_interval(values):
            mean = float(np.mean(values))
            axes.errorbar(mean, y, xerr=[[mean - interval[0]], [interval[1] - mean]], fmt="o", color=BLUE, capsize=3)
    axes.set_yticks(range(len(table)), [row.point for row in table])
    axes.set(ylim=(len(table) - 0.4, -0.6))
    axes.grid(axis="x", color="#e4e4e4")
