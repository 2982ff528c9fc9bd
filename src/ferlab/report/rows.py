"""Which arms of ours stand for the rows of the paper's Table 1, at one budget."""

from dataclasses import replace

from ferlab.params import Params
from ferlab.report import paper
from ferlab.report.paper import Order, Row


def are_as_stated(params: Params) -> bool:
    """Whether the rows are the arms at the setting that the paper states: where a budget runs every one of them.

    Otherwise they are those at our own setting; one table never mixes the two.
    """
    return all(row.as_stated in params.run.arms for row in paper.TABLE1 if row.as_stated)


def rows_of(params: Params) -> tuple[Row, ...]:
    """The rows of Table 1, each with the arm that stands for it at this budget."""
    stated = are_as_stated(params)
    return tuple(replace(row, arm=row.as_stated) if stated and row.as_stated else row for row in paper.TABLE1)


def orders_of(params: Params) -> tuple[Order, ...]:
    """What Table 1 claims, of these rows."""
    rows = dict(zip(paper.TABLE1, rows_of(params), strict=True))
    return tuple(
        replace(claim, row=rows[claim.row], pairs=tuple((rows[higher], rows[lower]) for higher, lower in claim.pairs))
        for claim in paper.ORDERS
    )


def main_claim(params: Params) -> tuple[str, str]:
    """The arms of the main claim: with DCGAN's images, plain."""
    rows = dict(zip(paper.TABLE1, rows_of(params), strict=True))
    augmented, plain = paper.CLAIM
    return rows[augmented].arm, rows[plain].arm
