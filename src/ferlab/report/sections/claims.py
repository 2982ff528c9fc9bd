"""The paper's claims, and what our numbers say of each."""

from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection
from ferlab.report.verdict import judge


def section(evidence: Evidence, album: Album) -> PageSection:
    """A row a claim: holds, does not hold, or not decided, and why."""
    verdicts = judge(evidence)
    return PageSection(
        "claims",
        "Claims",
        "What became of each claim",
        {"verdicts": verdicts},
        {verdict.claim.key: verdict.numbers() for verdict in verdicts},
    )
