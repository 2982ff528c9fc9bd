"""Could it have been otherwise? What this budget's own design finds, and how often."""

from dataclasses import asdict

from ferlab.evaluation.judgement import MARGINS
from ferlab.evaluation.power import chances, smallest_gain
from ferlab.report import words
from ferlab.report.design import measured, planned
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection
from ferlab.report.verdict import judge

GAINS = (
    0.0,
    0.0025,
    0.005,
    0.01,
    0.02,
)  # assumed to be true: none, two hardly worth speaking of, two that are


def section(evidence: Evidence, album: Album) -> PageSection:
    """The chance of each verdict on a primary claim under an assumed true gain; only where the spread is known."""
    spread = None if words.drawn(evidence.params) else measured(evidence)
    primary = sum(claim.primary for claim in evidence.paper.claims)
    values: dict[str, object] = {"spread": spread, "margins": MARGINS, "judged": _judged(evidence), "primary": primary}
    numbers: dict[str, object] = {}
    if spread:
        design = planned(evidence.params, evidence.paper, spread.sd)
        smallest, found = smallest_gain(design), [chances(design, gain) for gain in GAINS]
        values |= {"design": design, "smallest": smallest, "chances": found}
        rounded = [{key: _rounded(value) for key, value in asdict(one).items()} for one in found]
        numbers = {"spread_points": round(100 * spread.sd, 4), "smallest_points": round(100 * smallest, 2)}
        numbers |= {"arms": design.arms, "blocks": design.blocks, "chances": rounded}
    return PageSection("power", "Power", "What this budget can find", values, numbers, shown=primary > 0)


def _judged(evidence: Evidence) -> bool:
    """Whether an arm has run that some primary claim's images are held against."""
    return any(lower in evidence.runs for one in judge(evidence) if one.primary for _, lower in one.pairs)


def _rounded(value: float | tuple[float, ...]) -> float | list[float]:
    return [round(one, 4) for one in value] if isinstance(value, tuple) else round(value, 4)
