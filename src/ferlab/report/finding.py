"""The first screen in sentences: what became of the main claim, why, and what the numbers are so far."""

from ferlab.evaluation.comparison import Difference
from ferlab.evaluation.judgement import FAILS, HOLDS, OPEN, WORTH
from ferlab.evaluation.power import smallest_gain
from ferlab.papers import Paper
from ferlab.params import Params
from ferlab.report import tables
from ferlab.report.design import measured, planned
from ferlab.report.differences import difference, interval
from ferlab.report.evidence import Evidence
from ferlab.report.gains import STEPS, chains
from ferlab.report.rows import Order, main_arms, main_claim
from ferlab.report.runs import Runs
from ferlab.report.sections.copies import accuracies, gains
from ferlab.report.spoken import spoken
from ferlab.report.verdict import Verdict, judge
from ferlab.report.words import drawn, seeds, signed


def finding(evidence: Evidence) -> list[str]:
    """What became of the primary claims at this budget, for a reader who knows neither arms nor tests.

    Empty of a study without claims.
    """
    verdicts = judge(evidence)
    if not verdicts:
        return []
    tried = [verdict for verdict in verdicts if verdict.primary and verdict.over_plain]
    if not tried:
        main = [verdict for verdict in verdicts if verdict.primary]
        named = " and ".join(f"{_printed(verdict)} with {_images_of(verdict)}" for verdict in main)
        claims = f"claims, {named}, have" if len(main) > 1 else f"claim, {named}, has"
        untried = [f"The paper's main {claims} not been tested at this budget."] if main else []
        return [*untried, _others(verdicts, main)]
    if drawn(evidence.params):
        gains_here = [f"{interval(one.over_plain)} with {_images_of(one)}" for one in tried]
        measured_here = f"Measured: {', '.join(gains_here)}."
        return ["Drawn faces can't answer this question.", measured_here, _others(verdicts, tried)]
    said: list[str] = []
    for verdict, before in zip(tried, [None, *tried], strict=False):
        told = before is not None and [pair[1] for pair in before.pairs] == [pair[1] for pair in verdict.pairs]
        said += _claim(verdict, "" if told else _control(evidence, verdict))
    return [*said, *_limits(evidence, tried), _others(verdicts, tried)]


def _printed(verdict: Verdict) -> str:
    return f"{signed(verdict.claim.gains[0])} points" if isinstance(verdict.claim, Order) else ""


def _images_of(verdict: Verdict) -> str:
    return verdict.claim.added if isinstance(verdict.claim, Order) else ""


def _claim(verdict: Verdict, control: str) -> list[str]:
    """The paper's size against ours and what real faces give (`control`), then what the images themselves give."""
    images, ours = _images_of(verdict), interval(verdict.over_plain)
    if verdict.size is None:
        why = verdict.size_gap.plain if verdict.size_gap else ""
        size = f"With {images} we measure {ours}; the paper has {_printed(verdict)}. The size isn't decided: {why}."
        return [size, f"{_direction(verdict)}."] if verdict.differences and not verdict.gap else [size]
    word = "ruled out at this budget" if verdict.size.ruled_out else "compatible with what this budget shows"
    size = f"The paper's {_printed(verdict)} with {images} are {word}: we measure {ours}"
    return [f"{size}{control}.", f"{_direction(verdict)}."]


def _control(evidence: Evidence, verdict: Verdict) -> str:
    """What as many steps on real faces give, on as many of their images where that was run."""
    assert isinstance(verdict.claim, Order)
    target, plain = (row.arm for row in verdict.claim.pairs[0])
    if verdict.pairs:
        repeated = difference(evidence, verdict.pairs[0][1], plain)
        own = f"{evidence.data_sets.train}'s own images"
        return f". Repeating as many of {own}, for as many steps, gives {interval(repeated)}"
    chain = next((chain for chain in chains(evidence) if chain.target == target), None)
    if chain is None or chain.links[0].says != STEPS:
        return ""
    return f". As many steps on real faces alone give {interval(chain.links[0].difference)}"


def _direction(verdict: Verdict) -> str:
    images = _images_of(verdict)
    if verdict.gap:
        return f"Whether {images} themselves help can't be judged: {verdict.gap.plain}"
    (net,) = verdict.differences
    word = {
        HOLDS: "is a gain: they help",
        FAILS: "is no gain of note: one point or more is ruled out",
        OPEN: "may be chance",
    }[verdict.word]
    margin = verdict.equivalence.margin if verdict.equivalence else None
    nothing = f"; it lies within ±{100 * margin:g} points of 0" if margin else ""
    return f"What is left for {images}, {interval(net)}, {word}{nothing}{_alone(verdict)}"


def _alone(verdict: Verdict) -> str:
    """That a verdict rests on the spread that all arms share, where the pair alone wouldn't show it."""
    (alone,) = verdict.beside
    if alone is None or not alone.varies:
        return ""
    shown = {HOLDS: alone.low > 0, FAILS: alone.high < WORTH, OPEN: True}[verdict.word]
    return "" if shown else f". These runs alone, {interval(alone)}, don't show it: it rests on how much all runs vary"


def _limits(evidence: Evidence, tried: list[Verdict]) -> list[str]:
    """Whether an open verdict could have been another, and what one GAN can't say."""
    said, params = [], evidence.params
    spread = measured(evidence)
    if spread and any(verdict.word == OPEN and not verdict.gap for verdict in tried):
        design = planned(params, evidence.paper, spread.sd)
        said.append(
            f"With {design.blocks} runs of each kind that vary as much as these, only a gain of "
            f"{100 * smallest_gain(design):.1f} points or more would be found four times out of five."
        )
    if len(params.run.draws) == 1 < len(params.run.seeds):
        said.append("All runs share one GAN of each kind, so this applies to that GAN's images only.")
    return said


def _others(verdicts: list[Verdict], named: list[Verdict]) -> str:
    """How many claims of each verdict are left, but for those that have been named."""
    others = [verdict for verdict in verdicts if verdict not in named]
    if not others:
        return "The paper makes no other claim."
    holding = sum(verdict.word == HOLDS for verdict in others)
    failing = sum(verdict.word == FAILS for verdict in others)
    claims = "other claims" if named else "claims"
    return (
        f"The paper's {len(others)} {claims}: {holding} found to hold, {failing} found not to hold, "
        f"{len(others) - holding - failing} not decided."
    )


def reasons(evidence: Evidence) -> list[str]:
    """What the main claim's gain is made of: its controls, the leak into the test split, the images themselves.

    A sentence each, for what has been measured at this budget.
    """
    return [sentence for sentence in (_controls(evidence), _leak(evidence), _images(evidence)) if sentence is not None]


def _controls(evidence: Evidence) -> str | None:
    """The links of the gain, each over the seeds that both of its arms have run; None before it was measured."""
    arms = main_arms(evidence.params, evidence.paper)
    chain = next((chain for chain in chains(evidence) if arms and chain.target == arms[0]), None)
    if chain is None or chain.whole is None:
        return None
    if len(chain.links) == 1:
        return "No control has been run, so the gain can't be separated from that of the steps that the images add."
    links = [link for link in chain.links if link.difference]
    counts = {len(one.values) for one in (chain.whole, *(link.difference for link in links)) if one}
    # with unequal numbers of seeds the parts don't add up, so each says of how many it is
    shown = interval if len(counts) == 1 else _with_seeds
    parts = [f"{_together(link.says.split(' + '))} {shown(link.difference)}" for link in links]
    return f"The gain of {_with_seeds(chain.whole)}, part by part: {'; '.join(parts)}."


def _together(causes: list[str]) -> str:
    """What a link stands for, where no control tells its causes apart."""
    *others, last = causes
    return f"{', '.join(others)} and {last} together" if others else last


def _with_seeds(difference: Difference | None) -> str:
    return interval(difference) + (f" in {seeds(len(difference.values))}" if difference else "")


def _leak(evidence: Evidence) -> str | None:
    """What the main claim's arms have without leaked copies; None where none is known."""
    claim, rows = main_claim(evidence.params, evidence.paper), accuracies(evidence) or {}
    if claim is None or any(row.arm not in rows for row in claim.pairs[0]):
        return None
    higher, lower = (row.arm for row in claim.pairs[0])
    one, other = rows[higher], rows[lower]
    leaked = one["images"] - one["left_exact"]
    if not leaked or one["without_exact"] is None:
        return None
    gain = interval(gains(evidence).get((higher, lower)))
    return (
        f"{leaked} of the {one['images']:,} test images have an exact copy in train. Without them the network alone "
        f"reaches {other['without_exact']:.2f}% instead of {other['all']:.2f}%, and with {claim.added} "
        f"{one['without_exact']:.2f}% instead of {one['all']:.2f}%, a gain of {gain}."
    )


def _images(evidence: Evidence) -> str | None:
    """Whether the claim's images are varied, and whether they are copies; None where they weren't judged."""
    claim = main_claim(evidence.params, evidence.paper)
    arm = evidence.params.arms.get(claim.pairs[0][0].arm) if claim else None
    family = evidence.quality.get(arm.synthetic) if arm else None
    if claim is None or family is None or not family.classes:
        return None
    classes = family.classes.values()
    flat = sum(one.collapsed for one in classes)
    copies, images = sum(one.copies for one in classes), sum(one.samples for one in classes)
    return (
        f"In {flat} of {len(classes)} expressions {claim.added} nearly all look alike, judged by one GAN each and one "
        f"threshold of diversity; {copies} of {images:,} are copies of a {evidence.data_sets.gan} frame."
    )


def sentences(runs: Runs, params: Params, paper: Paper) -> list[str]:
    """What the numbers say so far, without judging whether a difference is real."""
    if not runs:
        return ["Nothing has been run yet."]
    scored = {arm: tables.accuracy(seeds) for arm, seeds in runs.items()}
    best = max(scored, key=lambda arm: scored[arm].value)
    one = scored[best]
    images = len(next(iter(runs[best].values())).ids)
    common, share = tables.always_commonest(runs)
    several = len(scored) > 1
    which = f"The most accurate of our {len(scored)} arms" if several else "Our only arm"
    picked = " It was chosen after all of them had been seen." if several else ""
    equal = "equal " if one.covers == "images" else ""
    over = "one run" if len(runs[best]) == 1 else f"{len(runs[best])} {equal}runs"
    return [
        f"{which} so far is {_named(best, params, paper)}: {one.value:.2%} of {images:,} test images "
        f"({over}; 95% interval {one.low:.2%} to {one.high:.2%}).{picked}",
        f"Always answering “{common}”, the commonest class of these images, would give {share:.2%}.",
    ]


def _named(arm: str, params: Params, paper: Paper) -> str:
    """An arm in a sentence: in the paper's words, or by its name and purpose."""
    purpose = tables.purpose(arm, params, paper)
    known = params.arms[arm].classifier in {**paper.networks, **paper.purposes}
    return spoken(arm, params, paper) or (f"{arm} ({purpose})" if known else purpose)
