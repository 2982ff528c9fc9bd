"""Trained GANs: what work/gan/<family>/<draw>/gan.json says of the generators beside it."""

from ferlab.params import GanFamily
from ferlab.params.section import Sha256
from ferlab.records.record import Record

FILE = "gan.json"


class GanRecord(Record):
    """One draw of a family.

    Attributes:
        identity: of the training.
        sha256: of each generator's file, by what it makes: a class, or `all`.
    """

    family: str
    draw: int
    settings: GanFamily
    classes: tuple[str, ...]
    identity: str
    sha256: dict[str, Sha256]
    side: int = 48  # pixels, of the images
    channels: int = 1  # of the images: 1 (grey) or 3 (RGB)
