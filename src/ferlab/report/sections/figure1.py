"""Figure 1: generated faces in the paper's layout."""

from pathlib import Path

import numpy as np

from ferlab.data.colour import RGB
from ferlab.errors import UserError
from ferlab.report import words
from ferlab.report.evidence import Evidence
from ferlab.report.faces import Faces, Wall, figure1_panel, samples_panel
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """Figure 1 of ours, and more samples of each class."""
    classes, theirs = evidence.gan_classes, evidence.paper.figure
    rows = theirs.rows if theirs else []
    paths = {name: evidence.folder / "samples" / f"{name}.npy" for name in evidence.params.run.families}
    samples = {name: faces for name, path in paths.items() if (faces := _samples(path, len(classes))) is not None}
    missing = ", ".join(row.name for row in rows if row.family not in samples)
    alt = f"Generated faces: a column for each of {', '.join(classes)}; rows: {', '.join(samples) or 'none'}."
    alt += f" Empty rows, {words.NOT_RUN}: {missing}." if missing else ""
    shown = min(4, max((faces.shape[1] for faces in samples.values()), default=0))  # more would make a heavy page
    wall = Wall.of(samples, classes, rows)
    coloured, sheet = wall.channels == RGB, samples_panel(samples, evidence.quality, max(shown, 1), wall)
    values = {
        "figure1": album.keep("figure1", alt, *figure1_panel(samples, wall), every_colour=coloured),
        "samples": album.keep("samples", alt, *sheet, every_colour=coloured),
        "shown": shown,
    }
    nav, title = ("Figure 1", "Figure 1: generated faces") if theirs else ("Faces", "Generated faces")
    return PageSection("figure1", nav, title, values, shown=bool(evidence.params.run.families and (rows or samples)))


def _samples(path: Path, classes: int) -> Faces | None:
    if not path.exists():
        return None
    redo = "run `dvc repro`, which makes it anew"
    try:
        faces: Faces = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"not an array of samples: {error}", where=str(path), next_step=redo) from None
    shape = faces.shape
    fits = faces.dtype == np.uint8 and len(shape) >= 4 and shape[4:] in ((), (RGB,)) and 0 not in shape
    if not fits or shape[0] != classes or shape[2] != shape[3]:
        what = f"samples are {faces.dtype} {shape}, not uint8 ({classes}, n, S, S) or, in RGB, ({classes}, n, S, S, 3)"
        raise UserError(what, where=str(path), next_step=redo)
    return faces
