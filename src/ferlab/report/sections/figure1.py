"""Figure 1: generated faces in the paper's layout."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.errors import UserError
from ferlab.report import paper, words
from ferlab.report.drawing import GREY, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.gan_figures import samples_panel
from ferlab.report.section import Album, Section

Faces = NDArray[np.uint8]
_SIDE, _GAP = 48, 5  # pixels of a face, and between faces
_CELL = _SIDE + _GAP


def section(evidence: Evidence, album: Album) -> Section:
    """Figure 1 of ours, and more samples of each class."""
    paths = {name: evidence.folder / "samples" / f"{name}.npy" for name in evidence.params.run.families}
    samples = {name: faces for name, path in paths.items() if (faces := _samples(path)) is not None}
    missing = ", ".join(row.name for row in paper.FIGURE1 if row.family not in samples)
    alt = f"Generated faces: a column for each of {', '.join(CKPLUS_CLASSES)}; rows: {', '.join(samples) or 'none'}."
    alt += f" Empty rows, {words.NOT_RUN}: {missing}." if missing else ""
    shown = min(4, max((faces.shape[1] for faces in samples.values()), default=0))  # more would make a heavy page
    values = {
        "figure1": album.keep("figure1", alt, *faces_panel(samples, 1)),
        "samples": album.keep("samples", alt, *samples_panel(samples, evidence.quality, max(shown, 1))),
        "shown": shown,
    }
    return Section("figure1", "Figure 1", "Figure 1: generated faces", values)


def _samples(path: Path) -> Faces | None:
    if not path.exists():
        return None
    redo = "run `dvc repro`, which makes it anew"
    try:
        faces: Faces = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"not an array of samples: {error}", where=str(path), next_step=redo) from None
    if faces.dtype != np.uint8 or faces.ndim != 4 or faces.shape[0] != len(CKPLUS_CLASSES) or 0 in faces.shape:
        raise UserError(
            f"samples are {faces.dtype} {faces.shape}, not uint8 (7, n, 48, 48)", where=str(path), next_step=redo
        )
    return faces


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
                axes.text(width / 2, top + depth / 2, words.NOT_RUN, ha="center", va="center", color=GREY)
            top += depth + 2 * _GAP
        for i, name in enumerate(CKPLUS_CLASSES):
            axes.text(i * _CELL + _SIDE / 2, -4, name, ha="center", va="bottom", fontsize=10)
        axes.imshow(wall, cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()

    return draw, (5.5, 0.35 + 5.15 * height / width)
