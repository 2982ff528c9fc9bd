"""Where our experiment leaves the paper's, and what the paper leaves open."""

from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """The list of docs/paper.md, in short, with this budget's values."""
    audit, theirs = evidence.audit, evidence.paper.deviations
    values = {"leaks": audit is None or audit.fer2013.copies.test_in_train.get("all", 0) > 0}
    return PageSection("deviations", "Deviations", "Deviations and open questions", values, shown=bool(theirs))
