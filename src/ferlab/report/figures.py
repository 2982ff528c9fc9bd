"""The report's figures, drawn without pyplot so that equal inputs give equal bytes.

Panels are small enough to be read on a telephone; a sheet puts them side by side.
Colours are Okabe and Ito's, which colour-blind people can tell apart; no meaning hangs on colour alone.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.report import paper
from ferlab.report.tables import NOT_RUN, RUN

DPI = 150
BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#767676", "#222222"
_STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.axisbelow": True,
    "figure.constrained_layout.h_pad": 0.07,
    "figure.constrained_layout.w_pad": 0.07,
    "legend.frameon": False,
}
_MARKERS = "osD^vPX"

_SIDE, _GAP = 48, 5  # pixels of a face, and between faces
_CELL = _SIDE + _GAP

Raster = NDArray[np.uint8]
Faces = NDArray[np.uint8]
Panel = Callable[[Figure], None]
"""Draws one panel on the empty figure it is given."""


@contextmanager
def _style() -> Iterator[None]:
    """Matplotlib's own defaults and ours, whatever a matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def raster(panel: Panel, size: tuple[float, float]) -> Raster:
    """One panel of `size` (width, height) inches as uint8 (height, width, 3), at 150 dots an inch."""
    with _style():
        figure = Figure(figsize=size, dpi=DPI, layout="constrained")
        canvas: Any = FigureCanvasAgg(figure)  # matplotlib leaves its methods untyped
        panel(figure)
        canvas.draw()
        return np.array(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3]


def sheet(rasters: Sequence[Raster], columns: int = 1) -> Raster:
    """Panels of equal size side by side, `columns` in a row; without panels, one that says "not run yet"."""
    if not rasters:
        return raster(_nothing, (4.7, 1.2))
    columns = min(columns, len(rasters))
    blank = np.full_like(rasters[0], 255)
    filled = [*rasters, *[blank] * (-len(rasters) % columns)]
    return np.vstack([np.hstack(filled[i : i + columns]) for i in range(0, len(filled), columns)])


def png(image: Raster) -> bytes:
    """The bytes of a PNG: equal for equal images. A palette of 256 colours makes it a third as large."""
    picture, buffer = Image.fromarray(image).convert("RGB").quantize(256, dither=Image.Dither.NONE), io.BytesIO()
    picture.save(buffer, format="png", dpi=(DPI, DPI), optimize=True)
    return buffer.getvalue()


def _nothing(figure: Figure) -> None:
    axes = figure.subplots()
    axes.set_axis_off()
    axes.text(0.5, 0.5, NOT_RUN, ha="center", va="center", color=GREY)


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
        run = (table["status"] == RUN).to_numpy()
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
            axes.text(1, i, f"ours: {NOT_RUN}", va="center", color=GREY, fontsize=8.5)
        axes.set_yticks(y, [str(model).replace("+VGG19", "\n+VGG19") for model in table["model"]])
        axes.set(xlim=(0, 100), ylim=(len(table) - 0.5, -0.5), xlabel="accuracy on the test split, %")
        axes.grid(axis="x", color="#e4e4e4")
        figure.legend(loc="outside upper center", ncols=2, fontsize=8.5)

    return draw


def faces_panel(samples: Mapping[str, Faces], per_class: int) -> tuple[Panel, tuple[float, float]]:
    """GAN samples in the layout of the paper's Figure 1: a row a family, a column an expression.

    Args:
        samples: family -> uint8 (7, shown, 48, 48), in the order of CKPLUS_CLASSES. The paper's other families get an
            empty row.
        per_class: images a class, below each other.

    Returns:
        The panel, and the size in inches that suits it.
    """
    named = {row.family: row.name for row in paper.FIGURE1}
    families = [*named, *(family for family in samples if family not in named)]
    lines = {family: min(per_class, samples[family].shape[1]) if family in samples else 1 for family in families}
    width = len(CKPLUS_CLASSES) * _CELL - _GAP
    height = sum(lines.values()) * _CELL + (len(families) - 1) * _GAP - _GAP

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        wall = np.full((height, width), 255, dtype=np.uint8)
        top = 0
        for family in families:
            depth = lines[family] * _CELL - _GAP
            axes.text(-5, top + depth / 2, named.get(family, family), rotation=90, ha="right", va="center")
            if family in samples:
                for i, j in np.ndindex(len(CKPLUS_CLASSES), lines[family]):
                    wall[top + j * _CELL :, i * _CELL :][:_SIDE, :_SIDE] = samples[family][i, j]
            else:
                axes.add_patch(Rectangle((0, top), width - 1, depth - 1, fill=False, ec=GREY, ls=":"))
                axes.text(width / 2, top + depth / 2, NOT_RUN, ha="center", va="center", color=GREY)
            top += depth + 2 * _GAP
        for i, name in enumerate(CKPLUS_CLASSES):
            axes.text(i * _CELL + _SIDE / 2, -4, name, ha="center", va="bottom", fontsize=10)
        axes.imshow(wall, cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()

    return draw, (5.5, 0.35 + 5.15 * height / width)


def confusion_panel(title: str, counts: NDArray[np.int64]) -> Panel:
    """A confusion matrix: percent of each true class, with counts below.

    Args:
        counts: int64 (7, 7), rows true and columns predicted, in the order of FER_CLASSES.
    """
    percent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.imshow(percent, cmap="cividis", vmin=0, vmax=100)
        for (i, j), value in np.ndenumerate(percent):
            ink = "white" if value < 50 else "black"
            axes.text(j, i - 0.13, f"{value:.0f}%", ha="center", va="center", color=ink, fontsize=9)
            axes.text(j, i + 0.26, f"{counts[i, j]}", ha="center", va="center", color=ink, fontsize=6.8)
        ticks = np.arange(len(FER_CLASSES))
        axes.set_xticks(ticks, FER_CLASSES, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(ticks, FER_CLASSES)
        axes.set(xlabel="predicted", ylabel="true", title=title)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    return draw


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
            epoch, size = curve["epoch"], 3 if len(curve) <= 15 else 0
            losses.plot(epoch, curve["train_loss"], "o--", color=BLUE, ms=size, lw=1.3, label=name.get("train"))
            losses.plot(epoch, curve["valid_loss"], "s-", color=ORANGE, ms=size, lw=1.3, label=name.get("valid"))
            accuracies.plot(epoch, 100 * curve["valid_accuracy"], "s-", color=ORANGE, ms=size, lw=1.3)
            kept = curve[epoch == selected.get(seed)]
            accuracies.plot(
                kept["epoch"], 100 * kept["valid_accuracy"], "o", ms=10, mfc="none", mec=INK, label=name.get("kept")
            )
        losses.set(ylabel="loss, nats", title=title)
        accuracies.set(ylabel="validation\naccuracy, %", xlabel="epoch")
        accuracies.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        for axes in (losses, accuracies):
            axes.grid(color="#e4e4e4")
            axes.legend(fontsize=8.5)

    return draw
