"""How to make this very page."""

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
    return PageSection("rebuild", "Rebuild", "Rebuild this page", {"commits": runs, "sources": sources(evidence)})


def sources(evidence: Evidence) -> list[str]:
    """The commands that fill data/."""
    if drawn(evidence.params):
        return ["ferlab data demo"]
    data = evidence.params.data
    papers = [ARCHIVES[name] for name in data.used if name in ARCHIVES]
    own = [f"ferlab data add {name}.zip --as {one.form} --name {name}" for name, one in data.sets.items()]
    return [*([f"ferlab data add {' '.join(papers)}"] if papers else []), *own]
