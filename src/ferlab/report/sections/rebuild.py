"""How to make this very page."""

from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """Commands, and the commits that made what is shown: a budget of today may have other settings."""
    lines = [one.line for seeds in evidence.origins.values() for one in seeds.values() if one.line is not None]
    runs: dict[str, int] = {}
    for line in sorted(lines, key=lambda line: line.evaluated, reverse=True):
        runs[line.commit] = runs.get(line.commit, 0) + 1
    return PageSection("rebuild", "Rebuild", "Rebuild this page", {"commits": runs})
