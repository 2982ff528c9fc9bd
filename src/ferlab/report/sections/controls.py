"""Controls: arms of ours that the paper hasn't."""

from ferlab.report import tables
from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section


def section(evidence: Evidence, album: Album) -> Section:
    """Each with its accuracy, run or not."""
    title = "Controls: arms of ours that the paper has not"
    return Section("controls", "Controls", title, {"controls": tables.controls(evidence).to_dict("records")})
