"""The paper's claims, and what our numbers say of each."""

from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section
from ferlab.report.verdict import judge


def section(evidence: Evidence, album: Album) -> Section:
    """A row a claim: holds, does not hold, or not decided, and why."""
    verdicts = judge(evidence)
    return Section(
        "claims",
        "Claims",
        "What became of each claim",
        {"verdicts": verdicts},
        {verdict.claim.key: verdict.numbers() for verdict in verdicts},
    )
