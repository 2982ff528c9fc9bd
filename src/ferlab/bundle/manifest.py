"""MANIFEST.json: what an archive for a node was made of. It comes back with the results."""

from typing import Annotated

from pydantic import StringConstraints

from ferlab.params.section import Name, Sha256
from ferlab.records.record import Record

FILE = "MANIFEST.json"

CommitHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]


class Manifest(Record):
    """What run.sh, and later `ferlab bring`, hold against what is there.

    Attributes:
        commit: of the project that is in the archive.
        folder: the project's own in its repository; "." for the whole.
        budget: that the node runs.
        python: that the wheels are for, such as `3.12`.
        left_out: packages that the node has, by its list, and that the wheels in the archive or ferlab need.
        parts: path in the archive -> SHA-256.
    """

    commit: CommitHash
    folder: str
    budget: Name
    python: str
    left_out: tuple[str, ...]
    parts: dict[str, Sha256]
