"""Where our experiment leaves the paper's, and what the paper leaves open."""

from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """The list of docs/paper.md, in short, with this budget's values."""
    return PageSection("deviations", "Deviations", "Deviations and open questions")
