"""Every run with its scores."""

from ferlab.report import tables
from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section


def section(evidence: Evidence, album: Album) -> Section:
    """One row an arm and seed."""
    return Section("runs", "Runs", "Every run", {"run_rows": tables.run_table(evidence).to_dict("records")})
