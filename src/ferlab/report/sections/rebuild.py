"""How to make this very page."""

from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """Commands."""
    return PageSection("rebuild", "Rebuild", "Rebuild this page")
