"""Words and signs that every part of the report uses."""

import math

from ferlab.papers import Paper
from ferlab.params import Params
from ferlab.report.data_sets import DataSets

NOT_RUN = "not run yet"
RUN = "run"
DRAWN = "drawn faces can't decide a claim about real ones"
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def signed(points: float) -> str:
    """E.g. "−23.08" or "+1.20"."""
    return f"{points:+.2f}".replace("-", MINUS)


def decimal(value: float, digits: int) -> str:
    """E.g. "−0.31" or "0.00": with a minus sign, and none before what rounds to 0."""
    return f"{value:z.{digits}f}".replace("-", MINUS)


def probability(p: float) -> str:
    """A p-value, e.g. "0.013" or "<0.001"; a dash where there is none."""
    if math.isnan(p):
        return DASH
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def seeds(number: int) -> str:
    """E.g. "1 seed" or "3 seeds"."""
    return "1 seed" if number == 1 else f"{number} seeds"


def number(count: int) -> str:
    """E.g. "seven" or "12"."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def drawn(params: Params) -> bool:
    """Whether the data are the demo's drawn faces."""
    return params.data.kind == "demo"


def standing(params: Params, paper: Paper) -> str:
    """What these numbers are worth, in a sentence or two: the budget, the data and whether they bear on the paper."""
    if drawn(params):
        return (
            f"These numbers come from the {params.budget} budget on drawn faces. They show that the pipeline works and "
            f"say nothing about {'the paper' if paper.title else 'real ones'}."
        )
    faces = DataSets.of(params, paper).both
    if paper.title and params.budget != "paper":
        return (
            f"These numbers come from the {params.budget} budget on {faces}. They are real measurements "
            "of smaller or shorter trainings than the paper's. They are not its experiment."
        )
    return f"These numbers come from the {params.budget} budget on {faces}."
