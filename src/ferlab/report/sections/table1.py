"""Table 1: the paper's accuracies and ours."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ferlab.files import write_text
from ferlab.report import paper, tables
from ferlab.report.drawing import BLUE, GREY, ORANGE, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section


def section(evidence: Evidence, album: Album) -> Section:
    """All seven rows, run or not; also written as table1.csv and table1.md."""
    params = evidence.params
    table = tables.table1(evidence)
    write_text(album.folder / "table1.csv", table.to_csv(index=False, lineterminator="\n"))
    write_text(album.folder / "table1.md", tables.table1_markdown(table, params))
    picture = album.keep(
        "accuracy",
        "Accuracies as dots with 95% intervals; the numbers stand in Table 1.",
        accuracy_panel(table, human=not tables.drawn(params)),
        (5.2, 4.1),
    )
    values = {"table": table.to_dict("records"), "accuracy": picture}
    return Section("table1", "Table 1", "Table 1: accuracy on the test split", values)


def accuracy_panel(table: pd.DataFrame, human: bool) -> Panel:
    """Table 1 as dots: the paper's accuracy and ours with its interval, a row an arm.

    Args:
        table: as `tables.table1` returns it.
        human: whether to show the band of human accuracy, which is of FER-2013 and no other data.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        y = np.arange(len(table))
        if human:
            band = (paper.HUMAN.percent - paper.HUMAN.plus_minus, paper.HUMAN.percent + paper.HUMAN.plus_minus)
            axes.axvspan(*band, color=GREY, alpha=0.18, lw=0, label="human, as the paper cites it")
        axes.plot(table["paper_percent"], y, "D", color=ORANGE, mfc="white", ms=6, mew=1.6, label="the paper")
        run = (table["status"] == tables.RUN).to_numpy()
        done = table[run]
        low, high = done["ours_percent"] - done["low_percent"], done["high_percent"] - done["ours_percent"]
        axes.errorbar(
            done["ours_percent"],
            y[run],
            xerr=[low, high],
            fmt="o",
            color=BLUE,
            capsize=3,
            label="ours, 95% interval" if run.any() else None,
        )
        for i in y[~run]:
            axes.text(1, i, f"ours: {tables.NOT_RUN}", va="center", color=GREY, fontsize=8.5)
        axes.set_yticks(y, [str(model).replace("+VGG19", "\n+VGG19") for model in table["model"]])
        axes.set(xlim=(0, 100), ylim=(len(table) - 0.5, -0.5), xlabel="accuracy on the test split, %")
        axes.grid(axis="x", color="#e4e4e4")
        figure.legend(loc="outside upper center", ncols=2, fontsize=8.5)

    return draw
