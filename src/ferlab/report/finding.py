"""The first screen in sentences: what became of the main claim, and what the numbers are so far."""

from ferlab.data.labels import FER_CLASSES
from ferlab.params import Params
from ferlab.report import paper, tables
from ferlab.report.evidence import Evidence, Runs
from ferlab.report.verdict import FAILS, HOLDS, difference, interval, judge
from ferlab.report.words import drawn, signed


def finding(evidence: Evidence) -> str:
    """Whether adding DCGAN's images lifts ResNET-50 at this budget, with the numbers and the rule behind the word."""
    verdicts = judge(evidence)
    main = next(verdict for verdict in verdicts if verdict.claim is paper.LIFTS_RESNET)
    words = {HOLDS: "it does", FAILS: "it does not"}
    answer = words.get(main.word, "not decided")
    budget = f"at the {evidence.params.budget} budget"
    gain = difference(evidence, *(row.arm for row in paper.CLAIM))
    reported = "" if drawn(evidence.params) else f"; the paper reports {signed(paper.LIFTS_RESNET.gains[0])}"
    # a verdict's reason has the numbers already
    measured = f" Measured: {interval(gain)} points{reported}." if gain and "(the paper" not in main.why else ""
    others = [verdict for verdict in verdicts if verdict.claim is not paper.LIFTS_RESNET]
    holding, failing = (sum(verdict.word == word for verdict in others) for word in (HOLDS, FAILS))
    return (
        f"Does adding DCGAN's images lift ResNET-50? {budget[0].upper()}{budget[1:]}: {answer} ({main.why}).{measured} "
        f"The paper's {len(others)} other claims: {holding} hold, {failing} do not hold, "
        f"{len(others) - holding - failing} not decided."
    )


def sentences(runs: Runs, params: Params) -> list[str]:
    """What the numbers say so far, without judging whether a difference is real."""
    if not runs:
        return ["No arm has been run yet."]
    scored = {arm: tables.accuracy(seeds) for arm, seeds in runs.items()}
    best = max(scored, key=lambda arm: scored[arm].value)
    one = scored[best]
    images = len(next(iter(runs[best].values())).ids)
    common, share = tables.always_commonest(runs)
    highest = (
        f"The highest of our {len(scored)} arm{'s' * (len(scored) > 1)} so far is {best}: {one.value:.2%} of "
        f"{images:,} test images (95% interval {one.low:.2%} to {one.high:.2%}; {one.method}). "
        "It was picked after seeing all of them."
    )
    return [
        highest,
        f"Always answering “{FER_CLASSES[common]}”, the commonest class of this test split, would give {share:.2%}.",
    ]
