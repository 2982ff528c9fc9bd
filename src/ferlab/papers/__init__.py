"""The paper that a study rebuilds, as a file: its numbers, claims and settings, which the report puts beside ours.

A study brings its own as paper.yaml at its project's root; this package holds the one that ships.
"""

from ferlab.papers.read import paper_of, read_paper, shipped
from ferlab.papers.schema import FigureRow, Human, ImageClaim, Neighbour, Paper, Row

__all__ = [
    "FigureRow", "Human", "ImageClaim", "Neighbour", "Paper", "Row", "paper_of", "read_paper", "shipped",
]  # fmt: skip
