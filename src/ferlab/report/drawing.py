"""The report's figures, drawn without pyplot so that equal inputs give equal bytes.

Panels are small enough to be read on a telephone; a sheet puts them side by side.
Colours are Okabe and Ito's, which colour-blind people can tell apart; no meaning hangs on colour alone.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from ferlab.report.words import NOT_RUN

PRINT_DPI = 300  # dots an inch of the files; the page shows them at half of that
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
MARKERS = "osD^vPX"

Raster = NDArray[np.uint8]
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
    """One panel of `size` (width, height) inches as uint8 (height, width, 3), at 300 dots an inch."""
    with _style():
        figure = Figure(figsize=size, dpi=PRINT_DPI, layout="constrained")
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


def halved(image: Raster) -> Raster:
    """The same picture at half its width and height, each pixel the mean of four."""
    return np.asarray(Image.fromarray(image).reduce(2))


def png(image: Raster, dpi: int, *, every_colour: bool = False) -> bytes:
    """The bytes of a PNG, equal for equal images. Grey ones keep every level; others get a palette of 256 colours.

    Args:
        every_colour: keep all of them, as faces in colour need it.
    """
    picture = Image.fromarray(image)
    if (image == image[:, :, :1]).all():
        picture = picture.convert("L")
    elif not every_colour:
        picture = picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        tints = picture.getpalette() or []
        picture.putpalette([255 if value > 250 else value for value in tints])  # the quantiser greys white a little
    buffer = io.BytesIO()
    picture.save(buffer, format="png", dpi=(dpi, dpi), optimize=True)
    return buffer.getvalue()


def read_png(data: bytes) -> Raster:
    """The picture in a PNG's bytes.

    Raises:
        ValueError: they are none.
    """
    try:
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    except (OSError, SyntaxError) as error:  # as Pillow says that a file is damaged
        raise ValueError(str(error)) from None


def cut(image: Raster, columns: int, count: int) -> list[Raster]:
    """The `count` panels of a `sheet` with `columns` in a row."""
    columns = min(columns, count)
    rows = np.split(image, -(-count // columns))
    return [panel for row in rows for panel in np.split(row, columns, axis=1)][:count]


def _nothing(figure: Figure) -> None:
    axes = figure.subplots()
    axes.set_axis_off()
    axes.text(0.5, 0.5, NOT_RUN, ha="center", va="center", color=GREY)
