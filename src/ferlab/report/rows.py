"""Which arms of ours stand for the rows of the paper's Table 1, at one budget, and what those rows claim."""

from dataclasses import dataclass

from ferlab.papers import Paper, Row
from ferlab.params import Params


@dataclass(frozen=True)
class Order:
    """A claim of the paper's about rows of Table 1: in each pair the first is more accurate than the second.

    Attributes:
        key: its name in files.
        says: in a sentence.
        section: where it stands.
        row: the row of Table 1 that it speaks of.
        added: of a claim that a GAN's images lift a network, the images in words; its one pair is with them, without.
        primary: whether it is one of those that decide (docs/evidence.md).
    """

    key: str
    says: str
    section: str
    row: Row
    pairs: tuple[tuple[Row, Row], ...]
    added: str
    primary: bool

    @property
    def lifts(self) -> bool:
        """Whether it says that a GAN's images lift a network."""
        return bool(self.added)

    @property
    def gains(self) -> tuple[float, ...]:
        """What the paper prints for each pair, in percentage points."""
        return tuple(round(higher.percent - lower.percent, 2) for higher, lower in self.pairs)


def are_as_stated(params: Params, paper: Paper) -> bool:
    """Whether the rows are the arms at the setting that the paper states: where a budget runs every one of them.

    Otherwise they are those at our own setting; one table never mixes the two.
    """
    stated = [row.as_stated for row in paper.rows if row.as_stated]
    return bool(stated) and all(arm in params.run.arms for arm in stated)


def rows_of(params: Params, paper: Paper) -> tuple[Row, ...]:
    """The rows of Table 1, each with the arm that stands for it at this budget."""
    stated = are_as_stated(params, paper)
    return tuple(
        row.model_copy(update={"arm": row.as_stated}) if stated and row.as_stated else row for row in paper.rows
    )


def orders_of(params: Params, paper: Paper) -> tuple[Order, ...]:
    """What Table 1 claims, of these rows."""
    rows = dict(zip([row.arm for row in paper.rows], rows_of(params, paper), strict=True))
    orders = []
    for claim in paper.claims:
        pairs = tuple((rows[higher], rows[lower]) for higher, lower in claim.pairs)
        row = rows[claim.row] if claim.row else pairs[0][0]
        orders.append(Order(claim.key, claim.says, claim.section, row, pairs, claim.added, claim.primary))
    return tuple(orders)


def main_claim(params: Params, paper: Paper) -> Order | None:
    """The first primary claim; None of a study without one."""
    return next((claim for claim in orders_of(params, paper) if claim.primary), None)


def main_arms(params: Params, paper: Paper) -> tuple[str, str] | None:
    """The arms of the main claim: with the images, plain."""
    claim = main_claim(params, paper)
    return (claim.pairs[0][0].arm, claim.pairs[0][1].arm) if claim else None
