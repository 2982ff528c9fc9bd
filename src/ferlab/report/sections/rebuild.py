"""How to make this very page."""

from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section


def section(evidence: Evidence, album: Album) -> Section:
    """Commands."""
    return Section("rebuild", "Rebuild", "Rebuild this page")
