"""Where the gain comes from: chains of controls."""

import numpy as np
from matplotlib.figure import Figure

from ferlab.report.differences import interval, points
from ferlab.report.drawing import BLUE, GREY, INK, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.gains import Chain, chains
from ferlab.report.page import Album, PageSection
from ferlab.report.words import drawn


def section(evidence: Evidence, album: Album) -> PageSection:
    """A table and a panel for each arm that adds a GAN's images; the panel only where something has run.

    Not shown where the budget has no GANs.
    """
    every = [] if drawn(evidence.params) else chains(evidence)  # of drawn faces there is no gain to be split
    alt = "How the difference of {} to {} is made up; the numbers stand in the table."
    pictures = {alt.format(one.target, one.plain): panel(one) for one in every if one.whole}
    numbers = {
        one.target: {
            "whole": points(one.whole),
            "links": {link.says: points(link.difference) for link in one.links},
        }
        for one in every
    }
    values = {
        "run": [one for one in every if one.whole],
        "absent": [one for one in every if not one.whole],
        "interval": interval,
        "gains": album.panels("gains", 2, (4.6, 2.6), pictures),
    }
    return PageSection(
        "gains", "The gain", "Where the gain comes from", values, numbers, shown=bool(evidence.params.run.families)
    )


def panel(chain: Chain) -> Panel:
    """The links of a chain and their sum, in points, each with its 95% interval where there is one."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        rows = [(link.says, link.difference) for link in chain.links] + [("all together", chain.whole)]
        axes.axvline(0, color=GREY, lw=1)
        for y, (_, one) in enumerate(rows):
            if one is None:
                continue
            colour, mark = (INK, "D") if y == len(rows) - 1 else (BLUE, "o")
            axes.plot([100 * v for v in one.values], np.full(len(one.values), y + 0.22), "|", color=colour, ms=6)
            half = 100 * (one.high - one.mean) if one.varies else 0
            axes.errorbar(100 * one.mean, y, xerr=half or None, fmt=mark, color=colour, capsize=3)
        axes.set_yticks(range(len(rows)), [says.replace(" + ", "\n+ ") for says, _ in rows], fontsize=8.5)
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="points of test accuracy", title=chain.target)
        axes.grid(axis="x", color="#e4e4e4")

    return draw
