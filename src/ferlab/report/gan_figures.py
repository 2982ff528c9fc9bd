"""The second sheet of generated faces: more samples of each class, and under them what is known of that class."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.report import paper
from ferlab.report.drawing import INK, ORANGE, Panel

Faces = NDArray[np.uint8]
_SIDE, _GAP, _NOTE = 48, 5, 30  # pixels of a face, between faces, and of the lines under a row
_CELL = _SIDE + _GAP


def samples_panel(
    samples: Mapping[str, Faces], quality: Mapping[str, Any], per_class: int
) -> tuple[Panel, tuple[float, float]]:
    """Samples of each class below each other; under a family's rows each class's diversity and copies.

    Args:
        samples: family -> uint8 (7, shown, 48, 48), in the order of CKPLUS_CLASSES; white where a class has too few
            that aren't copies.
        quality: family -> class -> figures, as in quality.json.
        per_class: images a class.

    Returns:
        The panel, and the size in inches that suits it.
    """
    named = {row.family: row.name for row in paper.FIGURE1}
    lines = {family: min(per_class, faces.shape[1]) for family, faces in samples.items()}
    width = len(CKPLUS_CLASSES) * _CELL - _GAP
    height = max(1, sum(n * _CELL + _NOTE for n in lines.values()))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        wall = np.full((height, width), 255, dtype=np.uint8)
        top = 0
        for family, faces in samples.items():
            depth = lines[family] * _CELL - _GAP
            axes.text(-5, top + depth / 2, named.get(family, family), rotation=90, ha="right", va="center")
            for i, name in enumerate(CKPLUS_CLASSES):
                for j in range(lines[family]):
                    wall[top + j * _CELL :, i * _CELL :][:_SIDE, :_SIDE] = faces[i, j]
                text, flagged = note(quality.get(family, {}).get(name, {}))
                colour, weight = (ORANGE, "bold") if flagged else (INK, "normal")
                place = i * _CELL + _SIDE / 2, top + depth + 3
                axes.text(*place, text, ha="center", va="top", fontsize=6.3, color=colour, weight=weight)
            top += depth + _GAP + _NOTE
        for i, name in enumerate(CKPLUS_CLASSES):
            axes.text(i * _CELL + _SIDE / 2, -4, name, ha="center", va="bottom", fontsize=10)
        axes.imshow(wall, cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()

    return draw, (5.5, 0.35 + 5.15 * height / width)


def note(figures: Mapping[str, Any]) -> tuple[str, bool]:
    """Two lines on a class, and whether it is flagged as collapsed; empty where nothing is known."""
    diversity, copies = figures.get("diversity"), figures.get("copies")
    value = diversity.get("value") if isinstance(diversity, Mapping) else diversity
    if value is None or copies is None:
        return "", False
    collapsed = bool(figures.get("collapsed"))
    counted = f"{copies} cop{'y' if copies == 1 else 'ies'}"
    lines = ("▲ collapsed", f"{value:.2f}, {counted}") if collapsed else (f"diversity {value:.2f}", counted)
    return "\n".join(lines), collapsed
