"""What the audit found in the data."""

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section

SPLITS = ("train", "valid", "test")


def section(evidence: Evidence, album: Album) -> Section:
    """Counts by class and split, copies across splits."""
    values = {"audit": evidence.audit, "classes": FER_CLASSES, "ckplus_classes": CKPLUS_CLASSES, "splits": SPLITS}
    return Section("data", "Data", "The data", values)
