"""How to make this very page."""

from ferlab.data.colour import GREY
from ferlab.params.data import Data
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection
from ferlab.report.words import drawn

ARCHIVES = {"fer2013": "fer2013.zip", "ckplus": "ckplus48.zip"}


def section(evidence: Evidence, album: Album) -> PageSection:
    """Commands, and the commits that made what is shown: a budget of today may have other settings."""
    lines = [one.line for seeds in evidence.origins.values() for one in seeds.values() if one.line is not None]
    runs: dict[str, int] = {}
    for line in sorted(lines, key=lambda line: line.evaluated, reverse=True):
        runs[line.commit] = runs.get(line.commit, 0) + 1
    own = evidence.params.data.train in evidence.params.data.sets  # a study, which has no source of its own
    values = {"commits": runs, "sources": sources(evidence), "own": own}
    return PageSection("rebuild", "Rebuild", "Rebuild this page", values)


def sources(evidence: Evidence) -> list[str]:
    """The commands that fill data/."""
    if drawn(evidence.params):
        return ["ferlab data demo"]
    data = evidence.params.data
    papers = [ARCHIVES[name] for name in data.used if name in ARCHIVES]
    own = [name for name in (*data.used, *evidence.params.run.evaluate_on) if name in data.sets]
    return [*([f"ferlab data add {' '.join(papers)}"] if papers else []), *(_own(data, name) for name in own)]


def _own(data: Data, name: str) -> str:
    uses = [key for key, used in (("train", data.train), ("gans", data.gans)) if used == name] or ["tests"]
    use, form = "both" if len(uses) == 2 else uses[0], data.sets[name].form
    images = f"--side {data.side}" + (f" --channels {data.channels}" if data.channels != GREY else "")
    return f"ferlab data add {name}.zip --as {form} --name {name} {images} --for {use}"
