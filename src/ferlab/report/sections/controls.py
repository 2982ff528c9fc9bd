"""Controls: arms of ours that the paper hasn't."""

from ferlab.report import tables
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """Each with its accuracy, run or not."""
    title = "Controls: our arms that the paper doesn't have" if evidence.paper.rows else "Arms"
    values = {"controls": tables.controls(evidence).to_dict("records"), "origins": evidence.origins}
    return PageSection("controls", title.partition(":")[0], title, values)
