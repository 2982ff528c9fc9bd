"""Figure 1: generated faces in the paper's layout."""

from pathlib import Path

import numpy as np

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.errors import UserError
from ferlab.report import paper, words
from ferlab.report.evidence import Evidence
from ferlab.report.faces import Faces, figure1_panel, samples_panel
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """Figure 1 of ours, and more samples of each class."""
    paths = {name: evidence.folder / "samples" / f"{name}.npy" for name in evidence.params.run.families}
    samples = {name: faces for name, path in paths.items() if (faces := _samples(path)) is not None}
    missing = ", ".join(row.name for row in paper.FIGURE1 if row.family not in samples)
    alt = f"Generated faces: a column for each of {', '.join(CKPLUS_CLASSES)}; rows: {', '.join(samples) or 'none'}."
    alt += f" Empty rows, {words.NOT_RUN}: {missing}." if missing else ""
    shown = min(4, max((faces.shape[1] for faces in samples.values()), default=0))  # more would make a heavy page
    values = {
        "figure1": album.keep("figure1", alt, *figure1_panel(samples)),
        "samples": album.keep("samples", alt, *samples_panel(samples, evidence.quality, max(shown, 1))),
        "shown": shown,
    }
    return PageSection("figure1", "Figure 1", "Figure 1: generated faces", values)


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
