"""What a budget's own design can tell of the main claim."""

from ferlab.evaluation.blocks import Spread
from ferlab.evaluation.power import Design
from ferlab.papers import Paper
from ferlab.params import Params
from ferlab.report.differences import difference, shared_spread
from ferlab.report.evidence import Evidence
from ferlab.report.matching import spread_alike
from ferlab.report.rows import main_arms


def measured(evidence: Evidence) -> Spread | None:
    """The spread of the main claim's arms as this report has it; None before two seeds have run that differ."""
    arms = main_arms(evidence.params, evidence.paper)
    found = difference(evidence, *arms) if arms else None
    return shared_spread(evidence, *arms) if arms and found and found.varies else None


def planned(params: Params, paper: Paper, sd: float) -> Design:
    """The design that a budget names: its seeds, and its arms that are trained and judged as the main claim's."""
    target, _ = main_arms(params, paper) or ("", "")
    arms = [arm for arm in params.run.arms if target in params.arms and spread_alike(params, target, arm)]
    primary = sum(claim.primary for claim in paper.claims)
    return Design(sd, len(arms), len(params.run.seeds), max(1, primary))
