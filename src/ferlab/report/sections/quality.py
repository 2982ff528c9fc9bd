"""How varied the GANs' images are, and how many are copies."""

from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """A table a family. Not shown where the budget has no GANs."""
    values = {"quality": evidence.quality, "gan_classes": evidence.gan_classes}
    return PageSection("quality", "GAN quality", "GAN quality", values, shown=bool(evidence.params.run.families))
