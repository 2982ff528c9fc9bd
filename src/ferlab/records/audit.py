"""reports/<budget>/audit.json: what was counted in the faces before anything was trained on them."""

from typing import Literal

from ferlab.records.record import Record

Counts = dict[str, int]
"""Class -> images; a class without any may be absent. Of copies also `all`."""


class AuditedData(Record):
    """Which faces these are."""

    kind: Literal["demo", "real"]


class Groups(Record):
    """Groups of images that are alike: how many, of how many images, and how many images beyond each group's first."""

    groups: int
    images: int
    extras: int


class Duplicates(Groups):
    """Groups of equal pixels."""

    groups_with_conflicting_labels: int


class Conflict(Record):
    """Labels that images of equal pixels carry, and in how many groups."""

    labels: tuple[str, ...]
    groups: int


class Copies(Record):
    """Images of one split that stand in another: exact copies, and with `near` those that are nearly equal too."""

    test_in_train: Counts
    test_in_valid: Counts
    test_in_either: Counts
    valid_in_train: Counts
    test_near_train: Counts


class FerAudit(Record):
    """FER-2013. `images` and `constant` (images that show nothing) are by split."""

    images: dict[str, Counts]
    constant: dict[str, int]
    duplicates: Duplicates
    near_duplicates: Groups
    conflicts: tuple[Conflict, ...]
    copies: Copies


class CkplusAudit(Record):
    """CK+. Where its subjects aren't known, `subjects` is 0 and there are no sequences."""

    images: Counts
    sequences: Counts
    subjects: int
    sequences_in_two_classes: int


class Audit(Record):
    """The whole file. `differences` says where real faces aren't as their publishers count them."""

    data: AuditedData
    fer2013: FerAudit
    ckplus: CkplusAudit
    differences: tuple[str, ...]
