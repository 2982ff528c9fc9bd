"""The first screen in sentences: what became of the main claim, why, and what the numbers are so far."""

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.evaluation.comparison import Difference
from ferlab.params import Params
from ferlab.report import paper, tables
from ferlab.report.evidence import Evidence, Runs
from ferlab.report.gains import chains
from ferlab.report.sections.copies import accuracies
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
    unrun = sum(None in verdict.differences for verdict in others)  # an open claim that a look at the arms explains
    return (
        f"Does adding DCGAN's images lift ResNET-50? {budget[0].upper()}{budget[1:]}: {answer} ({main.why}).{measured} "
        f"The paper's {len(others)} other claims: {holding} found to hold, {failing} found not to, "
        f"{len(others) - holding - failing} not decided{f', {unrun} of them for want of a run' * bool(unrun)}."
    )


def reasons(evidence: Evidence) -> list[str]:
    """What the main claim's gain is made of: its controls, the leak into the test split, the images themselves.

    A sentence each, for what has been measured at this budget.
    """
    return [sentence for sentence in (_controls(evidence), _leak(evidence), _images(evidence)) if sentence]


def _controls(evidence: Evidence) -> str:
    """The links of the gain, each over the seeds that both of its arms have run."""
    chain = next((chain for chain in chains(evidence) if chain.target == paper.CLAIM[0].arm), None)
    if chain is None or chain.whole is None:
        return ""
    if len(chain.links) == 1:
        return "No control has been run, so it can't be told from the steps that the images bring along."
    measured = [link for link in chain.links if link.difference]
    counts = {len(one.values) for one in (chain.whole, *(link.difference for link in measured)) if one}
    each = len(counts) > 1  # then the parts don't add up, so each says of how many seeds it is
    parts = [f"{link.says} {_told(link.difference, each)}" for link in measured]
    return f"The gain of {_told(chain.whole, True)}, part by part: {'; '.join(parts)}."


def _told(one: Difference | None, seeds: bool) -> str:
    count = len(one.values) if one else 0
    return interval(one) + f" in {count} seed{'s' * (count > 1)}" * seeds


def _leak(evidence: Evidence) -> str:
    higher, lower = (row.arm for row in paper.CLAIM)
    found = accuracies(evidence) or {}
    if higher not in found or lower not in found:
        return ""
    one, other = found[higher], found[lower]
    leaked = one["images"] - one["left_exact"]
    if not leaked or one["without_exact"] is None:
        return ""
    return (
        f"{leaked} of the {one['images']:,} test images have an exact copy in train: without them {lower} has "
        f"{other['without_exact']:.2f}% instead of {other['all']:.2f}%, "
        f"{higher} {one['without_exact']:.2f}% instead of {one['all']:.2f}%."
    )


def _images(evidence: Evidence) -> str:
    """Whether the claim's images are varied, and whether they are copies."""
    family = evidence.params.arms[paper.CLAIM[0].arm].synthetic if paper.CLAIM[0].arm in evidence.params.arms else ""
    classes = [one for name, one in evidence.quality.get(family, {}).items() if name in CKPLUS_CLASSES]
    counted = [one for one in classes if {"collapsed", "copies", "samples"} <= one.keys()]
    if not counted:
        return ""
    flat = sum(one["collapsed"] is True for one in counted)
    copies, images = (sum(one[key] for one in counted) for key in ("copies", "samples"))
    return (
        f"The images: collapsed to nearly one picture in {flat} of {len(counted)} expressions; {copies} of {images:,} "
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
    first = (
        f"{which} so far is {best}: {one.value:.2%} of {images:,} test images "
        f"(95% interval {one.low:.2%} to {one.high:.2%}; {one.method})."
        f"{' It was picked after seeing all of them.' * several}"
    )
    return [
        first,
        f"Always answering “{FER_CLASSES[common]}”, the commonest class of this test split, would give {share:.2%}.",
    ]
