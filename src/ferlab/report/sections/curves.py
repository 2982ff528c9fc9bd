"""Learning curves of networks."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from ferlab.report.drawing import BLUE, INK, ORANGE, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """A panel an arm, a line a seed. A classifier that is fitted in one go has no losses to show."""
    curves: dict[str, dict[int, pd.DataFrame]] = {}
    for arm, seeds in evidence.runs.items():
        tables = {seed: evidence.table(f"curves/{arm}-{seed}.csv", "epoch", "valid_accuracy") for seed in seeds}
        curves[arm] = {seed: table for seed, table in tables.items() if table is not None and "train_loss" in table}
    drawn = {}
    for arm, by_seed in curves.items():
        chosen = {seed: evidence.selection(arm, seed) for seed in by_seed}
        kept = {seed: selection.selected_epoch for seed, selection in chosen.items() if selection}
        if by_seed:
            alt = f"Training loss, validation loss and validation accuracy of {arm} by epoch."
            drawn[alt] = curve_panel(arm, by_seed, kept)
    values = {
        "curves": album.panels("curves", 2, (4.5, 4.1), drawn),
        "without_curve": [arm for arm, by_seed in curves.items() if not by_seed],
    }
    return PageSection("curves", "Learning curves", "Learning curves", values)


def curve_panel(title: str, curves: Mapping[int, pd.DataFrame], selected: Mapping[int, int]) -> Panel:
    """Losses and validation accuracy by epoch, a line a seed, selected epochs marked.

    Args:
        curves: seed -> columns `epoch`, `valid_accuracy` (0-1), `train_loss`, `valid_loss` (nats).
        selected: seed -> epoch whose weights were kept.
    """

    def draw(figure: Figure) -> None:
        losses, accuracies = figure.subplots(2, 1, sharex=True)
        for number, (seed, curve) in enumerate(curves.items()):
            name = {"train": "train", "valid": "validation", "kept": "kept epoch"} if number == 0 else {}
            epoch = curve["epoch"]
            size = 3 if len(curve) <= 15 else 0
            losses.plot(epoch, curve["train_loss"], "o--", color=BLUE, ms=size, lw=1.3, label=name.get("train"))
            losses.plot(epoch, curve["valid_loss"], "s-", color=ORANGE, ms=size, lw=1.3, label=name.get("valid"))
            accuracies.plot(epoch, 100 * curve["valid_accuracy"], "s-", color=ORANGE, ms=size, lw=1.3)
            kept = curve[epoch == selected.get(seed)]
            accuracies.plot(
                kept["epoch"], 100 * kept["valid_accuracy"], "o", ms=10, mfc="none", mec=INK, label=name.get("kept")
            )
        losses.set(ylabel="loss, nats", title=title)
        accuracies.margins(y=0.12)  # room for the circle of the best epoch
        accuracies.set(ylabel="validation\naccuracy, %", xlabel="epoch")
        accuracies.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        for axes in (losses, accuracies):
            axes.grid(color="#e4e4e4")
            axes.legend(fontsize=8.5)

    return draw
