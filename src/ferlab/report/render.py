"""One call that rebuilds every table, figure and the page of one budget from its small files."""

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ferlab.data.labels import FER_CLASSES
from ferlab.files import write_text
from ferlab.params import Params
from ferlab.report import paper, tables
from ferlab.report.evidence import Evidence, Runs
from ferlab.report.section import Album, Section
from ferlab.report.sections import (
    confusion,
    controls,
    curves,
    data,
    figure1,
    quality,
    rebuild,
    runs,
    settings,
    table1,
    tuning,
)

SECTIONS: tuple[Callable[[Evidence, Album], Section], ...] = (
    table1.section,
    controls.section,
    figure1.section,
    runs.section,
    curves.section,
    confusion.section,
    quality.section,
    tuning.section,
    data.section,
    settings.section,
    rebuild.section,
)
"""The page, in order. A section is a function here and a template of its name."""


def build(folder: Path, params: Params, *, into: Path | None = None, dirty: bool = False) -> Path:
    """Rebuild every table, figure and the page from the small files in `folder` (= reports/<budget>/).

    Args:
        into: where to write; by default `folder` itself.
        dirty: whether the code differs from its commit; the page then says so.

    Each file is written atomically and byte for byte the same from the same files. What is missing is shown as not
    run yet.

    Returns:
        the page, index.html.

    Raises:
        UserError: a file is damaged, runs can't be compared, or the files are of other data than params names.
    """
    evidence, target = Evidence(folder, params, dirty), into or folder
    made = [section(evidence, Album(target)) for section in SECTIONS]
    page = Environment(
        loader=PackageLoader("ferlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.globals.update(tables=tables, paper=paper, params=params)
    bodies = [Markup(page.get_template(f"{one.name}.html.j2").render(one.values)) for one in made]
    html = page.get_template("index.html.j2").render(
        sections=list(zip(made, bodies, strict=True)),
        sentences=sentences(evidence.runs, params),
    )
    write_text(target / "index.html", html)
    return target / "index.html"


def sentences(runs: Runs, params: Params) -> list[str]:
    """What the numbers say so far, without judging whether a difference is real."""
    if not runs:
        return ["No arm has been run yet."]
    scored = {arm: tables.accuracy(seeds) for arm, seeds in runs.items()}
    best = max(scored, key=lambda arm: scored[arm].value)
    one = scored[best]
    images = len(next(iter(runs[best].values())).ids)
    common, share = tables.always_commonest(runs)
    highest = (
        f"The highest of our {len(scored)} arm{'s' * (len(scored) > 1)} so far is {best}: {one.value:.2%} of "
        f"{images:,} test images (95% interval {one.low:.2%} to {one.high:.2%}; {one.method}). "
        "It was picked after seeing all of them."
    )
    sentences = [
        highest,
        f"Always answering “{FER_CLASSES[common]}”, the commonest class of this test split, would give {share:.2%}.",
    ]
    plain, augmented = scored.get(paper.CLAIM[1].arm), scored.get(paper.CLAIM[0].arm)
    if plain and augmented:
        gain = tables.signed(100 * (augmented.value - plain.value))
        reported = "" if tables.drawn(params) else f"; the paper reports +{paper.LIFTS_RESNET.gains[0]:.2f}"
        sentences.append(
            f"Adding DCGAN images to ResNET-50's training data changes our accuracy by {gain} points{reported}. "
            "This page doesn't test whether that is more than chance."
        )
    return sentences
