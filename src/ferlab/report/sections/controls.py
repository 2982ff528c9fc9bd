"""Controls: arms of ours that the paper hasn't."""

from ferlab.report import tables
from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section


def section(evidence: Evidence, album: Album) -> Section:
    """Each with its accuracy, run or not."""
    values = {"controls": tables.controls(evidence).to_dict("records"), "origins": evidence.origins}
    return Section("controls", "Controls", "Controls: arms of ours that the paper has not", values)
