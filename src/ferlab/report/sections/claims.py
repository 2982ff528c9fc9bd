"""The paper's claims, and what our numbers say of each."""

from ferlab.report.differences import OwnSpreads, interval, own_spreads
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection
from ferlab.report.rows import main_arms
from ferlab.report.verdict import Verdict, judge
from ferlab.report.words import drawn, signed


def section(evidence: Evidence, album: Album) -> PageSection:
    """A row a claim: holds, does not hold, or not decided, why, and what became of the paper's printed gain."""
    verdicts = judge(evidence)
    return PageSection(
        "claims",
        "Claims",
        "Verdicts on the paper's claims",
        {
            "verdicts": [(verdict, size(verdict)) for verdict in verdicts],
            "primary": sum(verdict.primary for verdict in verdicts),
            "interval": interval,
            "spreads": None if drawn(evidence.params) else main_spreads(evidence),
        },
        {verdict.claim.key: verdict.numbers() for verdict in verdicts},
        shown=bool(verdicts),
    )


def main_spreads(evidence: Evidence) -> OwnSpreads | None:
    """How the arms vary whose shared spread judges the main claim; None before two seeds have run."""
    arms = main_arms(evidence.params, evidence.paper)
    return own_spreads(evidence, *arms) if arms else None


def size(verdict: Verdict) -> str:
    """The paper's printed gain against ours, in a sentence; empty for a claim that isn't about a gain."""
    gain = verdict.numbers().get("printed")
    if gain is None:
        return ""
    printed = f"the paper's {signed(gain)}"
    if verdict.size is None:
        return f"{printed}: not judged ({verdict.size_gap and verdict.size_gap.detail})"
    ours = f"ours over the plain arm is {interval(verdict.over_plain)}"
    if verdict.size.ruled_out:
        return f"{printed} is ruled out, by {100 * verdict.size.apart:.2f} points: {ours}"
    return f"{printed} is compatible: {ours}"
