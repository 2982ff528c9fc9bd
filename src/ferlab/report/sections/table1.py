"""Table 1: the paper's accuracies and ours."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ferlab.evaluation.comparison import align, mcnemar
from ferlab.files import write_text
from ferlab.papers import Human
from ferlab.report import formats, tables, words
from ferlab.report.drawing import BLUE, GREY, INK, ORANGE, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection
from ferlab.report.rows import Order, are_as_stated, orders_of
from ferlab.report.verdict import judge


def section(evidence: Evidence, album: Album) -> PageSection:
    """All rows, run or not; also written as table1.csv, table1.md and table1.tex."""
    params, paper = evidence.params, evidence.paper
    table = tables.table1(evidence)
    write_text(album.folder / "table1.tex", formats.table1_latex(table, params, paper))
    write_text(album.folder / "table1.csv", table.to_csv(index=False, lineterminator="\n"))
    write_text(album.folder / "table1.md", formats.table1_markdown(table, params, paper))
    alt = "Accuracies as dots with 95% intervals; the numbers stand in Table 1."
    panel = accuracy_panel(table, None if words.drawn(params) else paper.human)
    pictures = album.panels("accuracy", 1, (5.2, 4.1), {alt: panel} if paper.rows else {})
    sizes = printed(evidence)
    rows = [
        row | {"gain_text": formats.gain_text(row), "printed": sizes.get(row["arm"], "")}
        for row in table.to_dict("records")
    ]
    pairs = list(compared(evidence))
    values = {"table": rows, "accuracy": pictures, "origins": evidence.origins, "pairs": pairs}
    keys = ("ours_percent", "low_percent", "high_percent", "difference_points", "gain_points", "plain_points")
    numbers = {row["arm"]: {key: None if pd.isna(row[key]) else row[key] for key in keys} for row in rows}
    for pair in pairs:
        numbers.setdefault("mcnemar", {})[f"{pair['first']}, {pair['second']}, {pair['seed']}"] = pair["p"]
    return PageSection(
        "table1",
        "Table 1",
        "Table 1: accuracy on the test split",
        values | {"as_stated": are_as_stated(params, paper)},
        numbers,
        shown=bool(rows),
    )


def printed(evidence: Evidence) -> dict[str, str]:
    """Arm -> what became of the gain that the paper prints for it, for each primary claim where that was judged."""
    return {
        verdict.claim.row.arm: f"the paper's {words.signed(verdict.claim.gains[0])}: {verdict.printed_is}"
        for verdict in judge(evidence)
        if isinstance(verdict.claim, Order) and verdict.claim.primary and verdict.printed_is
    }


def compared(evidence: Evidence) -> Iterator[dict[str, Any]]:
    """McNemar's test of each pair of arms that a claim compares, seed by seed."""
    claims = orders_of(evidence.params, evidence.paper)
    pairs = dict.fromkeys((lower.arm, higher.arm) for claim in claims for higher, lower in claim.pairs)
    for first, second in pairs:
        before, after = evidence.runs.get(first, {}), evidence.runs.get(second, {})
        for seed in (seed for seed in before if seed in after):
            flips = mcnemar(before[seed], align(before[seed], after[seed]))
            names = {"first": first, "second": second, "seed": seed}
            yield names | {"only_first": flips.lost, "only_second": flips.won, "p": float(f"{flips.p:.6g}")}


def accuracy_panel(table: pd.DataFrame, human: Human | None) -> Panel:
    """Table 1 as dots: the paper's accuracy and ours with its interval, a row an arm.

    Args:
        table: as `tables.table1` returns it.
        human: the band of human accuracy to show, which is of the paper's test split and no other data.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.margins(x=0.1)
        y = np.arange(len(table))
        if human:
            band = (human.percent - human.plus_minus, human.percent + human.plus_minus)
            axes.axvspan(*band, color=GREY, alpha=0.18, lw=0, label="human, as the paper cites it")
        axes.plot(table["paper_percent"], y, "D", color=ORANGE, mfc="white", ms=6, mew=1.6, label="the paper")
        run = (table["status"] == words.RUN).to_numpy()
        single = (table["interval_covers"] == "images").to_numpy()
        _ours(axes, table, run & ~single, fmt="o", color=BLUE, label="ours, 95% over seeds")
        _ours(axes, table, run & single, fmt="s", color=INK, mfc="white", label="ours, 95% over images")
        for i in y[~run]:
            place = axes.get_yaxis_transform()
            axes.text(0.01, i + 0.3, f"ours: {words.NOT_RUN}", va="center", color=GREY, fontsize=8.5, transform=place)
        axes.set_yticks(y, [str(model).replace("+VGG19", "\n+VGG19") for model in table["model"]])
        axes.set(ylim=(len(table) - 0.5, -0.5), xlabel="accuracy on the test split, %")
        axes.grid(axis="x", color="#e4e4e4")
        figure.legend(loc="outside upper center", ncols=2, fontsize=8.5)

    return draw


def _ours(axes: Axes, table: pd.DataFrame, chosen: NDArray[np.bool_], **style: Any) -> None:
    """Accuracies with their intervals, in one style: what a bar means depends on how many runs stand behind it."""
    if chosen.any():  # caps longer than the mark, which may cover a narrow interval
        rows = table[chosen]
        low, high = rows["ours_percent"] - rows["low_percent"], rows["high_percent"] - rows["ours_percent"]
        axes.errorbar(rows["ours_percent"], np.flatnonzero(chosen), xerr=[low, high], capsize=5, **style)
