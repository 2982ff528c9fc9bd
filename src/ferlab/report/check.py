"""Whether what is published follows from the small files beside it."""

import base64
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ferlab.errors import UserError
from ferlab.records.ledger import read_ledger
from ferlab.records.seal import Seal
from ferlab.report.drawing import read_png
from ferlab.report.evidence import Evidence
from ferlab.report.ledger_check import ledger_faults
from ferlab.report.lock import lock_faults
from ferlab.report.render import build
from ferlab.report.search_check import search_faults

PAGE = "index.html"
TEXTS = ("summary.json", "numbers.json", "table1.csv", "table1.md", "table1.tex", "ensembles.csv", PAGE)
# who built a page, and when, doesn't change what follows from its files
_BUILDER = re.compile(r'<p class="banner builder".*\n|<span class="builder">[^<]*</span>')
_FIGURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]*)")
_PALETTE = 40
"""By how much of 255 a figure of the page may differ from its file: each has a palette of its own (up to 20 seen)."""


def faults(
    evidence: Evidence, seal: Seal | None = None, *, figures: bool = False, results_only: bool = False
) -> Iterator[str]:
    """Everything in reports/<budget>/ that doesn't follow from its predictions and other small files.

    The ledger's lines must be those that were written. Every run in it must be there, be the file that it has a hash
    of, and score what it and the selection say; a search must have the trials that it was told to run; every table,
    number and sentence is computed anew and compared, and the page must show the figures that lie beside it. What a
    dvc.lock says that stages left there must be what lies there.

    Args:
        seal: of the ledger.
        figures: draw the figures too, and compare them byte by byte.
        results_only: leave out what is made of the results: tables, numbers, page and figures.

    Yields:
        One sentence a fault, naming the file, and for texts the line.
    """
    folder = evidence.folder
    try:
        yield from ledger_faults(folder / "ledger.jsonl", seal)
        yield from _of_runs(evidence)
        yield from lock_faults(folder)
        yield from search_faults(evidence)
        if results_only:
            return
        with tempfile.TemporaryDirectory() as made:
            build(folder, evidence.params, evidence.paper, into=Path(made), draw=figures, kept=folder)
            for name in TEXTS:
                yield from _of_text(folder / name, Path(made) / name)
            yield from _of_pictures(folder / PAGE, Path(made) / PAGE)
            for fresh in sorted(Path(made).glob("*.png")):
                known = folder / fresh.name
                if not known.is_file() or known.read_bytes() != fresh.read_bytes():
                    yield f"{known}: differs from the figure that the files beside it give"
    except UserError as error:
        yield f"{error.where}: {error.what}"


def _of_runs(evidence: Evidence) -> Iterator[str]:
    params = evidence.params
    origins = evidence.origins
    evaluated = {(line.arm, line.seed) for line in read_ledger(evidence.folder / "ledger.jsonl")}
    for arm in params.run.arms:
        for seed in params.run.seeds:
            path = evidence.folder / "predictions" / f"{arm}-{seed}.parquet"
            origin = origins.get(arm, {}).get(seed)
            if origin is None:
                if (arm, seed) in evaluated:  # else it is reported as not run
                    yield f"{path}: missing, though the ledger has a line of {arm}-{seed}"
                continue
            if origin.line is None:
                yield f"{path}: the ledger has no line of the training {origin.identity}"
                continue
            accuracy = float(evidence.test_runs[arm][seed].correct.mean())
            if origin.line.test_accuracy != accuracy:
                yield f"{path}: accuracy is {accuracy}, and the ledger says {origin.line.test_accuracy}"
            selection = evidence.folder / "selection" / f"{arm}-{seed}.json"
            chosen = evidence.selection(arm, seed)
            for key in ("identity", "valid_accuracy"):
                value, known = getattr(chosen, key, None), getattr(origin.line, key)
                if value != known:
                    yield f"{selection}: {key} is {value}, and the ledger says {known}"


def _of_text(published: Path, fresh: Path) -> Iterator[str]:
    if not published.is_file():
        yield f"{published}: missing"
        return
    ours, theirs = (_lines(path) for path in (published, fresh))
    for number, (line, wanted) in enumerate(zip(ours, theirs, strict=False), 1):
        if line != wanted:
            yield f"{published}, line {number}: says {_part(line, wanted)}, and the files give {_part(wanted, line)}"
            return
    if len(ours) != len(theirs):
        yield f"{published}: has {len(ours)} lines, and the files give {len(theirs)}"


def _of_pictures(published: Path, fresh: Path) -> Iterator[str]:
    if not published.is_file():
        return
    ours, theirs = (_FIGURE.findall(path.read_text(encoding="utf-8")) for path in (published, fresh))
    if len(ours) != len(theirs):
        yield f"{published}: shows {len(ours)} figures, and {len(theirs)} lie beside it"
        return
    for number, (shown, wanted) in enumerate(zip(ours, theirs, strict=True), 1):
        if shown != wanted and not _alike(shown, wanted):
            yield f"{published}: its figure {number} differs from the file beside it"


def _alike(shown: str, wanted: str) -> bool:
    try:
        ours, theirs = (read_png(base64.b64decode(text)).astype(int) for text in (shown, wanted))
    except ValueError:  # so says base64 too
        return False
    return ours.shape == theirs.shape and int(np.abs(ours - theirs).max(initial=0)) <= _PALETTE


def _lines(path: Path) -> list[str]:
    return _BUILDER.sub("", _FIGURE.sub("", path.read_text(encoding="utf-8"))).splitlines()


def _part(text: str, other: str) -> str:
    """The text around the first difference."""
    start = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    return f"“{text[max(0, start - 20) : start + 40]}”"
