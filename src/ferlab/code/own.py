"""The code of other packages' parts, as far as results are named by it."""

from ferlab.code.closure import closure_hash
from ferlab.parts import GANS, offers


def code_of_family(name: str) -> dict[str, str]:
    """The package of a GAN family to the hash of its code; nothing of one of ferlab's own, whose code is a room's."""
    offer = offers(GANS).get(name)
    return {offer.package: closure_hash(offer.module)} if offer else {}
