"""Walls of generated faces, a column an expression: the paper's Figure 1, and the sheet of more samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ferlab.data import colour
from ferlab.papers import FigureRow
from ferlab.records.quality import ClassQuality, FamilyQuality
from ferlab.report import words
from ferlab.report.drawing import GREY, INK, ORANGE, Panel

Faces = NDArray[np.uint8]
"""Samples of a family: uint8 (C, shown, S, S), or (C, shown, S, S, 3) in RGB, in the order of the classes."""

_GAP, _NOTE = 5, 30  # pixels between faces, and of the lines under a row
_SIDE = 48  # pixels of a face where there is none to measure


@dataclass(frozen=True)
class Wall:
    """Where faces hang.

    Attributes:
        classes: a column each, C names.
        side: S, height and width of a face in pixels.
        names: GAN family -> its name.
        channels: 1 where all faces are grey, else 3 (RGB).
    """

    classes: Sequence[str]
    side: int
    names: Mapping[str, str]
    channels: int = colour.GREY

    @classmethod
    def of(cls, samples: Mapping[str, Faces], classes: Sequence[str], rows: Sequence[FigureRow]) -> "Wall":
        """One for these samples, by family; `rows` are of the paper's figure."""
        side = max((faces.shape[2] for faces in samples.values()), default=_SIDE)
        channels = colour.RGB if any(faces.ndim > 4 for faces in samples.values()) else colour.GREY
        return cls(classes, side, {row.family: row.name for row in rows}, channels)

    @property
    def cell(self) -> int:
        return self.side + _GAP

    @property
    def width(self) -> int:
        return len(self.classes) * self.cell - _GAP

    def middle(self, column: int) -> float:
        return column * self.cell + self.side / 2

    def blank(self, height: int) -> Faces:
        return np.full((height, self.width, *([self.channels] if self.channels > 1 else [])), 255, dtype=np.uint8)

    def put(self, pixels: Faces, faces: Faces, top: int, rows: int) -> None:
        """The first faces of each class on a wall's pixels, below each other."""
        for i, j in np.ndindex(len(self.classes), rows):
            face = colour.to_channels(faces[[i], j], self.channels)[0]
            pixels[top + j * self.cell :, i * self.cell :][: len(face), : len(face)] = face

    def name_family(self, axes: Axes, family: str, middle: float) -> None:
        axes.text(-5, middle, self.names.get(family, family), rotation=90, ha="right", va="center")

    def show(self, axes: Axes, pixels: Faces) -> None:
        for i, name in enumerate(self.classes):
            axes.text(self.middle(i), -4, name, ha="center", va="bottom", fontsize=10)
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()

    def size(self, height: int) -> tuple[float, float]:
        """Inches."""
        return 5.5, 0.35 + 5.15 * height / self.width


def figure1_panel(samples: Mapping[str, Faces], wall: Wall) -> tuple[Panel, tuple[float, float]]:
    """The first sample of each class in the layout of the paper's Figure 1: a row a family.

    Args:
        samples: by family. The paper's other families get an empty row.

    Returns:
        The panel, and the size in inches that suits it.
    """
    families = [*wall.names, *(family for family in samples if family not in wall.names)]
    height = max(1, len(families) * (wall.cell + _GAP) - 2 * _GAP)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        pixels = wall.blank(height)
        for row, family in enumerate(families):
            top = row * (wall.cell + _GAP)
            middle = top + wall.side / 2
            wall.name_family(axes, family, middle)
            if family in samples:
                wall.put(pixels, samples[family], top, 1)
            else:
                axes.add_patch(Rectangle((0, top), wall.width - 1, wall.side - 1, fill=False, ec=GREY, ls=":"))
                axes.text(wall.width / 2, middle, words.NOT_RUN, ha="center", va="center", color=GREY)
        wall.show(axes, pixels)

    return draw, wall.size(height)


def samples_panel(
    samples: Mapping[str, Faces], quality: Mapping[str, FamilyQuality], per_class: int, wall: Wall
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
    height = max(1, sum(n * wall.cell + _NOTE for n in lines.values()))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        pixels = wall.blank(height)
        top = 0
        for family, faces in samples.items():
            depth = lines[family] * wall.cell - _GAP
            wall.name_family(axes, family, top + depth / 2)
            wall.put(pixels, faces, top, lines[family])
            classes = quality[family].classes if family in quality else {}
            for i, name in enumerate(wall.classes):
                text, flagged = note(classes.get(name))
                colour, weight = (ORANGE, "bold") if flagged else (INK, "normal")
                place = wall.middle(i), top + depth + 3
                axes.text(*place, text, ha="center", va="top", fontsize=6.3, color=colour, weight=weight)
            top += depth + _GAP + _NOTE
        wall.show(axes, pixels)

    return draw, wall.size(height)


def note(known: ClassQuality | None) -> tuple[str, bool]:
    """Two lines on a class, and whether it is flagged as collapsed; empty where nothing is known."""
    if known is None or known.diversity is None:
        return "", False
    copies = "1 copy" if known.copies == 1 else f"{known.copies} copies"
    diversity = f"{known.diversity.value:.2f}"
    lines = ("▲ collapsed", f"{diversity}, {copies}") if known.collapsed else (f"diversity {diversity}", copies)
    return "\n".join(lines), known.collapsed
