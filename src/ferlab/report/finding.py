"""The first screen in sentences: what became of the main claim, why, and what the numbers are so far."""

from ferlab.evaluation.comparison import Difference
from ferlab.evaluation.judgement import FAILS, HOLDS
from ferlab.params import Params
from ferlab.report import paper, tables
from ferlab.report.differences import difference, interval
from ferlab.report.evidence import Evidence
from ferlab.report.gains import chains
from ferlab.report.runs import Runs
from ferlab.report.sections.copies import accuracies
from ferlab.report.verdict import judge
from ferlab.report.words import drawn, seeds, signed


def finding(evidence: Evidence) -> str:
    """Whether adding DCGAN's images lifts ResNET-50 at this budget, with the numbers and the rule behind the word."""
    verdicts = judge(evidence)
    main = next(verdict for verdict in verdicts if verdict.claim is paper.LIFTS_RESNET)
    words = {HOLDS: "it does", FAILS: "it does not"}
    answer = words.get(main.word, "not decided")
    budget = f"at the {evidence.params.budget} budget"
    gain = difference(evidence, paper.CLAIM[0].arm, paper.CLAIM[1].arm)
    reported = "" if drawn(evidence.params) else f"; the paper reports {signed(paper.LIFTS_RESNET.gains[0])}"
    # a verdict's reason has the numbers already
    measured = f" Measured: {interval(gain)} points{reported}." if gain and "(the paper" not in main.why else ""
    others = [verdict for verdict in verdicts if verdict.claim is not paper.LIFTS_RESNET]
    holding = sum(verdict.word == HOLDS for verdict in others)
    failing = sum(verdict.word == FAILS for verdict in others)
    unrun = sum(None in verdict.differences for verdict in others)  # an open claim that a look at the arms explains
    want = f", {unrun} of them for want of a run" if unrun else ""
    return (
        f"Does adding DCGAN's images lift ResNET-50? {budget[0].upper()}{budget[1:]}: {answer} ({main.why}).{measured} "
        f"The paper's {len(others)} other claims: {holding} found to hold, {failing} found not to, "
        f"{len(others) - holding - failing} not decided{want}."
    )


def reasons(evidence: Evidence) -> list[str]:
    """What the main claim's gain is made of: its controls, the leak into the test split, the images themselves.

    A sentence each, for what has been measured at this budget.
    """
    return [sentence for sentence in (_controls(evidence), _leak(evidence), _images(evidence)) if sentence is not None]


def _controls(evidence: Evidence) -> str | None:
    """The links of the gain, each over the seeds that both of its arms have run; None before it was measured."""
    chain = next((chain for chain in chains(evidence) if chain.target == paper.CLAIM[0].arm), None)
    if chain is None or chain.whole is None:
        return None
    if len(chain.links) == 1:
        return "No control has been run, so it can't be told from the steps that the images bring along."
    measured = [link for link in chain.links if link.difference]
    counts = {len(one.values) for one in (chain.whole, *(link.difference for link in measured)) if one}
    # with unequal numbers of seeds the parts don't add up, so each says of how many it is
    shown = interval if len(counts) == 1 else _with_seeds
    parts = [f"{link.says} {shown(link.difference)}" for link in measured]
    return f"The gain of {_with_seeds(chain.whole)}, part by part: {'; '.join(parts)}."


def _with_seeds(difference: Difference | None) -> str:
    return interval(difference) + (f" in {seeds(len(difference.values))}" if difference else "")


def _leak(evidence: Evidence) -> str | None:
    """What the claim's arms have without leaked copies; None where none is known."""
    higher, lower = (row.arm for row in paper.CLAIM)
    rows = accuracies(evidence) or {}
    if higher not in rows or lower not in rows:
        return None
    one, other = rows[higher], rows[lower]
    leaked = one["images"] - one["left_exact"]
    if not leaked or one["without_exact"] is None:
        return None
    return (
        f"{leaked} of the {one['images']:,} test images have an exact copy in train: without them {lower} has "
        f"{other['without_exact']:.2f}% instead of {other['all']:.2f}%, "
        f"{higher} {one['without_exact']:.2f}% instead of {one['all']:.2f}%."
    )


def _images(evidence: Evidence) -> str | None:
    """Whether the claim's images are varied, and whether they are copies; None where they weren't judged."""
    arm = evidence.params.arms.get(paper.CLAIM[0].arm)
    family = evidence.quality.get(arm.synthetic) if arm else None
    if family is None or not family.classes:
        return None
    classes = family.classes.values()
    flat = sum(one.collapsed for one in classes)
    copies, images = sum(one.copies for one in classes), sum(one.samples for one in classes)
    return (
        f"The images: collapsed to nearly one picture in {flat} of {len(classes)} expressions; {copies} of {images:,} "
        "are copies of a CK+ frame."
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
    several = len(scored) > 1
    which = f"The highest of our {len(scored)} arms" if several else "Our only arm"
    picked = " It was picked after seeing all of them." if several else ""
    return [
        f"{which} so far is {best}: {one.value:.2%} of {images:,} test images "
        f"(95% interval {one.low:.2%} to {one.high:.2%}; {one.method}).{picked}",
        f"Always answering “{common}”, the commonest class of this test split, would give {share:.2%}.",
    ]
