"""Walls of generated faces, a column an expression: the paper's Figure 1, and the sheet of more samples."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ferlab.data.images import SIDE
from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.records.quality import ClassQuality, FamilyQuality
from ferlab.report import paper, words
from ferlab.report.drawing import GREY, INK, ORANGE, Panel

Faces = NDArray[np.uint8]
"""Samples of a family: uint8 (7, shown, 48, 48), in the order of CKPLUS_CLASSES."""

_GAP, _NOTE = 5, 30  # pixels between faces, and of the lines under a row
_CELL = SIDE + _GAP
_WIDTH = len(CKPLUS_CLASSES) * _CELL - _GAP
_NAMES = {row.family: row.name for row in paper.FIGURE1}


def figure1_panel(samples: Mapping[str, Faces]) -> tuple[Panel, tuple[float, float]]:
    """The first sample of each class in the layout of the paper's Figure 1: a row a family.

    Args:
        samples: by family. The paper's other families get an empty row.

    Returns:
        The panel, and the size in inches that suits it.
    """
    families = [*_NAMES, *(family for family in samples if family not in _NAMES)]
    height = len(families) * (_CELL + _GAP) - 2 * _GAP

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        wall = np.full((height, _WIDTH), 255, dtype=np.uint8)
        for row, family in enumerate(families):
            top = row * (_CELL + _GAP)
            _name_family(axes, family, top + SIDE / 2)
            if family in samples:
                _put(wall, samples[family], top, 1)
            else:
                axes.add_patch(Rectangle((0, top), _WIDTH - 1, SIDE - 1, fill=False, ec=GREY, ls=":"))
                axes.text(_WIDTH / 2, top + SIDE / 2, words.NOT_RUN, ha="center", va="center", color=GREY)
        _show(axes, wall)

    return draw, _size(height)


def samples_panel(
    samples: Mapping[str, Faces], quality: Mapping[str, FamilyQuality], per_class: int
) -> tuple[Panel, tuple[float, float]]:
    """Samples of each class below each other; under a family's rows each class's diversity and copies.

    Args:
        samples: by family; white where a class has too few that aren't copies.
        quality: by family.
        per_class: images a class.

    Returns:
        The panel, and the size in inches that suits it.
    """
    lines = {family: min(per_class, faces.shape[1]) for family, faces in samples.items()}
    height = max(1, sum(n * _CELL + _NOTE for n in lines.values()))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        wall = np.full((height, _WIDTH), 255, dtype=np.uint8)
        top = 0
        for family, faces in samples.items():
            depth = lines[family] * _CELL - _GAP
            _name_family(axes, family, top + depth / 2)
            _put(wall, faces, top, lines[family])
            classes = quality[family].classes if family in quality else {}
            for i, name in enumerate(CKPLUS_CLASSES):
                text, flagged = note(classes.get(name))
                colour, weight = (ORANGE, "bold") if flagged else (INK, "normal")
                place = i * _CELL + SIDE / 2, top + depth + 3
                axes.text(*place, text, ha="center", va="top", fontsize=6.3, color=colour, weight=weight)
            top += depth + _GAP + _NOTE
        _show(axes, wall)

    return draw, _size(height)


def note(known: ClassQuality | None) -> tuple[str, bool]:
    """Two lines on a class, and whether it is flagged as collapsed; empty where nothing is known."""
    if known is None or known.diversity is None:
        return "", False
    copies = "1 copy" if known.copies == 1 else f"{known.copies} copies"
    diversity = f"{known.diversity.value:.2f}"
    lines = ("▲ collapsed", f"{diversity}, {copies}") if known.collapsed else (f"diversity {diversity}", copies)
    return "\n".join(lines), known.collapsed


def _put(wall: Faces, faces: Faces, top: int, rows: int) -> None:
    """The first faces of each class on a wall of pixels, below each other."""
    for i, j in np.ndindex(len(CKPLUS_CLASSES), rows):
        wall[top + j * _CELL :, i * _CELL :][:SIDE, :SIDE] = faces[i, j]


def _name_family(axes: Axes, family: str, middle: float) -> None:
    axes.text(-5, middle, _NAMES.get(family, family), rotation=90, ha="right", va="center")


def _show(axes: Axes, wall: Faces) -> None:
    for i, name in enumerate(CKPLUS_CLASSES):
        axes.text(i * _CELL + SIDE / 2, -4, name, ha="center", va="bottom", fontsize=10)
    axes.imshow(wall, cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()


def _size(height: int) -> tuple[float, float]:
    return 5.5, 0.35 + 5.15 * height / _WIDTH
