"""Where our experiment leaves the paper's, and what the paper leaves open (CASE 31)."""

from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section


def section(evidence: Evidence, album: Album) -> Section:
    """The list of docs/paper.md, in short, with this budget's values."""
    return Section("deviations", "Deviations", "Deviations and open questions")
