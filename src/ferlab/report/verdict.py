"""What our numbers say of each claim of the paper. docs/evidence.md gives the rules; they were fixed before any run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.evaluation.comparison import Difference, at_least, at_most, holm, paired
from ferlab.evaluation.predictions import Predictions
from ferlab.records.quality import FamilyQuality
from ferlab.report import paper
from ferlab.report.evidence import Evidence
from ferlab.report.words import NOT_RUN, drawn, seeds, signed

HOLDS, FAILS, OPEN = "holds", "does not hold", "not decided"
MINIMUM_SEEDS = 3
ALPHA = 0.05  # of the whole family of claims, by Holm's method
WORTH = 0.01  # the smallest gain in accuracy that is worth speaking of: one point, about a test set's standard error
DISTANCE = "kid"  # the distance from real faces by which images are judged; smaller is better
MAJORITY = 4  # of CK+'s seven expressions


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Attributes:
        claim: as the paper makes it.
        word: HOLDS, FAILS or OPEN.
        why: the numbers and the rule, in a sentence.
        differences: of accuracy (0-1), one a pair of the claim, None for a pair that hasn't run.
    """

    claim: paper.Order | paper.Images
    word: str
    why: str
    differences: tuple[Difference | None, ...] = ()

    def numbers(self) -> dict[str, Any]:
        """As plain JSON: points of accuracy."""
        pairs = getattr(self.claim, "pairs", ())
        return {
            "verdict": self.word,
            "differences": {
                f"{higher.arm} - {lower.arm}": points(one)
                for (higher, lower), one in zip(pairs, self.differences, strict=True)
            },
        }


def points(difference: Difference | None) -> dict[str, Any]:
    """A difference of accuracy as plain JSON, in percentage points; null for what can't be told."""
    if difference is None:
        return {"seeds": 0}
    return {
        "points": _percent(difference.mean),
        "low": _percent(difference.low),
        "high": _percent(difference.high),
        "p": None if math.isnan(difference.p) else float(f"{difference.p:.4g}"),
        "seeds": len(difference.values),
    }


def _percent(share: float) -> float | None:
    return None if math.isnan(share) else round(100 * share, 4)


def difference(evidence: Evidence, higher: str, lower: str) -> Difference | None:
    """Accuracy of one arm minus another's over the seeds that both have run; None where they share none."""
    before, after = evidence.runs.get(lower, {}), evidence.runs.get(higher, {})
    shared = [seed for seed in before if seed in after]
    if not shared:
        return None
    return paired(_accuracies(before, shared), _accuracies(after, shared))


def _accuracies(runs: Mapping[int, Predictions], chosen: Sequence[int]) -> list[float]:
    return [float(runs[seed].correct.mean()) for seed in chosen]


def judge(evidence: Evidence) -> list[Verdict]:
    """A verdict on each claim of the paper: those of Table 1 as one family, then those about images."""
    return evidence.once(_judge)


def _judge(evidence: Evidence) -> list[Verdict]:
    measured = [_differences(evidence, claim) for claim in paper.ORDERS]
    gaps = [_gap(evidence, claim, pairs) for claim, pairs in zip(paper.ORDERS, measured, strict=True)]
    # the family is every claim, run or not: a verdict doesn't change because another arm was added
    holding = holm([_holds(pairs) if gap is None else 1.0 for gap, pairs in zip(gaps, measured, strict=True)])
    failing = holm([_fails(pairs) if gap is None else 1.0 for gap, pairs in zip(gaps, measured, strict=True)])
    verdicts = []
    for claim, pairs, gap, yes, no in zip(paper.ORDERS, measured, gaps, holding, failing, strict=True):
        word = HOLDS if yes < ALPHA else FAILS if no < ALPHA else OPEN
        verdicts.append(Verdict(claim, word, gap or _why(claim, pairs, word, float(yes), float(no)), pairs))
    return verdicts + [_of_images(evidence, claim) for claim in paper.IMAGES]


def _differences(evidence: Evidence, claim: paper.Order) -> tuple[Difference | None, ...]:
    return tuple(difference(evidence, higher.arm, lower.arm) for higher, lower in claim.pairs)


def _gap(evidence: Evidence, claim: paper.Order, differences: Sequence[Difference | None]) -> str | None:
    """Why the claim can't be judged; None if it can."""
    if drawn(evidence.params):
        return "drawn faces can't decide a claim about real ones"
    rows = dict.fromkeys(row for pair in claim.pairs for row in pair)
    if absent := [row.arm for row in rows if not evidence.runs.get(row.arm)]:
        return f"not run: {', '.join(absent)}"
    for row in rows:
        have = evidence.runs[row.arm]
        if missing := [str(seed) for seed in evidence.params.run.seeds if seed not in have]:
            return f"seed {', '.join(missing)} of {row.arm} is missing: no verdict on a part of the seeds"
        if len(have) < MINIMUM_SEEDS:
            return f"{seeds(len(have))} of {row.arm}, and fewer than {MINIMUM_SEEDS} decide nothing"
    if not all(one and one.varies for one in differences):
        return "the difference is the same in every seed, so its uncertainty is unknown"
    return None


def _holds(differences: Sequence[Difference | None]) -> float:
    """Two-sided p that some pair isn't in the claimed order: the claim is about all of them, so the largest counts."""
    return min(1.0, max(2 * at_most(one, 0) for one in differences if one))


def _fails(differences: Sequence[Difference | None]) -> float:
    """Two-sided p that every pair differs by what is worth speaking of; Bonferroni over the pairs."""
    return min(1.0, len(differences) * min(2 * at_least(one, WORTH) for one in differences if one))


def _why(claim: paper.Order, measured: Sequence[Difference | None], word: str, yes: float, no: float) -> str:
    numbers = [
        f"{higher.arm} against {lower.arm} {interval(one)} (the paper {signed(gain)})"
        for (higher, lower), one, gain in zip(claim.pairs, measured, claim.gains, strict=True)
        if one
    ]
    rule = {
        HOLDS: f"above 0, Holm p = {yes:.2g}",
        FAILS: f"a gain of {100 * WORTH:g} point or more is ruled out, Holm p = {no:.2g}",
        OPEN: f"neither above 0 (Holm p = {yes:.2g}) nor below {100 * WORTH:g} point (Holm p = {no:.2g})",
    }[word]
    return f"{'; '.join(numbers)}: {rule}"


def interval(one: Difference | None) -> str:
    """E.g. "+1.20 (0.40 to 2.00)", in points; without an interval where there is none."""
    if one is None:
        return NOT_RUN
    bounds = f" ({signed(100 * one.low)} to {signed(100 * one.high)})" if one.varies else ""
    return f"{signed(100 * one.mean)}{bounds}"


def _of_images(evidence: Evidence, claim: paper.Images) -> Verdict:
    quality = evidence.quality
    if drawn(evidence.params):
        return Verdict(claim, OPEN, "drawn faces can't decide a claim about real ones")
    if absent := [family for family in (claim.of, *claim.others) if family not in quality]:
        return Verdict(claim, OPEN, f"not judged: {', '.join(absent)}")
    if not claim.others:
        return _collapsed(claim, quality[claim.of])
    return _nearest(claim, quality)


def _nearest(claim: paper.Images, quality: Mapping[str, FamilyQuality]) -> Verdict:
    """Whether a family is nearer to real faces than each of the others, expression by expression."""
    nearer, farther, counts = [], [], []
    for other in claim.others:
        gaps = _gaps(quality[claim.of], quality[other])
        if len(gaps) < 2:
            return Verdict(claim, OPEN, f"{DISTANCE.upper()} is not on file for {claim.of} and {other}")
        nearer.append(float(stats.wilcoxon(gaps, alternative="less").pvalue))
        farther.append(float(stats.wilcoxon(gaps, alternative="greater").pvalue))
        better = sum(gap < 0 for gap in gaps)
        counts.append(f"nearer to real faces than {other} in {better} of {len(gaps)} expressions")
    yes = max(nearer)
    no = min(1.0, len(farther) * min(farther))
    word = HOLDS if yes < ALPHA / 2 else FAILS if no < ALPHA / 2 else OPEN
    return Verdict(claim, word, f"{'; '.join(counts)} by {DISTANCE.upper()} (Wilcoxon p = {yes:.2g}; one GAN a family)")


def _gaps(one: FamilyQuality, other: FamilyQuality) -> list[float]:
    """Distance from real faces, one family's minus the other's, for each expression where both are known and differ."""
    gaps = []
    for name in CKPLUS_CLASSES:
        ours, theirs = (of.classes[name].value(DISTANCE) if name in of.classes else None for of in (one, other))
        if ours is not None and theirs is not None and ours != theirs:
            gaps.append(ours - theirs)
    return gaps


def _collapsed(claim: paper.Images, family: FamilyQuality) -> Verdict:
    flat = [name for name in CKPLUS_CLASSES if name in family.classes and family.classes[name].collapsed]
    word = HOLDS if len(flat) >= MAJORITY else FAILS
    named = f" ({', '.join(flat)})" if flat else ""
    return Verdict(claim, word, f"{len(flat)} of 7 expressions collapsed{named}; the rule asks for {MAJORITY}")
