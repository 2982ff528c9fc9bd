"""One call that rebuilds every table, figure and the page of one budget from its small files."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from ferlab.files import disk_errors, write_json, write_text
from ferlab.papers import Paper, shipped
from ferlab.params import Params
from ferlab.records.ledger import Known, LedgerLine
from ferlab.report import formats, provenance, words
from ferlab.report.evidence import Evidence
from ferlab.report.finding import finding, reasons, sentences
from ferlab.report.page import Album, PageSection
from ferlab.report.rows import main_claim
from ferlab.report.sections import (
    claims,
    classes,
    confusion,
    controls,
    copies,
    curves,
    data,
    deviations,
    elsewhere,
    figure1,
    forest,
    gains,
    neighbours,
    power,
    quality,
    rebuild,
    runs,
    settings,
    table1,
    tuning,
    usefulness,
    votes,
)
from ferlab.report.summary import summary

SECTIONS: tuple[Callable[[Evidence, Album], PageSection], ...] = (
    forest.section,
    table1.section,
    claims.section,
    controls.section,
    neighbours.section,
    figure1.section,
    curves.section,
    confusion.section,
    classes.section,
    votes.section,
    gains.section,
    power.section,
    usefulness.section,
    quality.section,
    copies.section,
    elsewhere.section,
    runs.section,
    tuning.section,
    data.section,
    deviations.section,
    settings.section,
    rebuild.section,
)
"""The page, in order. A section is a function here and a template of its name."""


def build(
    folder: Path,
    params: Params,
    paper: Paper | None = None,
    *,
    into: Path | None = None,
    dirty: Known = "false",
    draw: bool = True,
    kept: Path | None = None,
    whose: Callable[[str, LedgerLine | None], str] | None = None,
) -> Path:
    """Rebuild every table, figure and the page from the small files in `folder` (= reports/<budget>/).

    Args:
        paper: what the numbers are held against; by default the paper that ships with ferlab.
        into: where to write; by default `folder` itself.
        dirty: whether the code differs from its commit; the page says so, or that it isn't known.
        draw: whether to draw the figures; without them the page has their descriptions alone,
        kept: or the figures that lie in this folder.
        whose: of a page that is made before all has run: says of a training's identity and line whose it is.

    Each file is byte for byte the same from the same files, and in `folder` itself none is replaced before all are
    made. What is missing is shown as not run yet.

    Returns:
        the page, index.html.

    Raises:
        UserError: a file is damaged, runs can't be compared, or the files are of other data than params names.
    """
    if into is None:
        with disk_errors(folder / "index.html"):
            folder.mkdir(parents=True, exist_ok=True)
            whole = TemporaryDirectory(prefix=".page.", suffix=".part", dir=folder)
        with whole as fresh:
            build(folder, params, paper, into=Path(fresh), dirty=dirty, draw=draw, kept=kept, whose=whose)
            for path in sorted(Path(fresh).iterdir()):
                path.replace(folder / path.name)
        return folder / "index.html"
    paper = paper or shipped()
    evidence = Evidence(folder, params, paper)
    made = [section(evidence, Album(into, draw, kept)) for section in SECTIONS]
    page = Environment(
        loader=PackageLoader("ferlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_COMPILED,
    )
    page.globals.update(formats=formats, paper=paper, data_sets=evidence.data_sets, params=params, words=words)
    said = {} if whose is None else provenance.said_of(evidence.origins, whose)
    page.globals.update(whose=said)
    shown = [one for one in made if one.shown]
    bodies = [Markup(page.get_template(f"{one.name}.html.j2").render(one.values)) for one in shown]
    html = page.get_template("index.html.j2").render(
        sections=list(zip(shown, bodies, strict=True)),
        sentences=sentences(evidence.runs, params, paper),
        finding=finding(evidence),
        reasons=reasons(evidence),
        main=main_claim(params, paper),
        dirty=dirty,
        doubts=provenance.doubts(evidence.origins),
        sources=provenance.counted(said),
    )
    numbers = {one.name: one.numbers for one in made if one.numbers}
    write_json(into / "numbers.json", {"budget": params.budget, "data": params.data.kind} | numbers)
    write_json(into / "summary.json", summary(evidence))
    write_text(into / "index.html", html)
    return into / "index.html"


class _Compiled(BytecodeCache):
    """Templates that this process has compiled: they took a sixth of a page's time."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._codes:
            bucket.bytecode_from_string(self._codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()
