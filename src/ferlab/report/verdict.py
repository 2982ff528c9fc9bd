"""What our numbers say of each claim of the paper. docs/evidence.md gives the rules; they were fixed before any run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.evaluation.comparison import Difference, at_least, at_most, holm, paired
from ferlab.report import paper
from ferlab.report.evidence import Evidence
from ferlab.report.words import drawn, signed

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
    named = {"points": difference.mean, "low": difference.low, "high": difference.high}
    found: dict[str, Any] = {k: None if v != v else round(100 * v, 4) for k, v in named.items()}
    return found | {"p": _digits(difference.p), "seeds": len(difference.values)}


def _digits(p: float) -> float | None:
    return None if p != p else float(f"{p:.4g}")


def difference(evidence: Evidence, higher: str, lower: str) -> Difference | None:
    """Accuracy of one arm minus another's over the seeds that both have run; None where they share none."""
    first, second = evidence.runs.get(lower, {}), evidence.runs.get(higher, {})
    seeds = [seed for seed in first if seed in second]
    if not seeds:
        return None
    return paired(*([float(arm[seed].correct.mean()) for seed in seeds] for arm in (first, second)))


def judge(evidence: Evidence) -> list[Verdict]:
    """A verdict on each claim of the paper: those of Table 1 as one family, then those about images."""
    return evidence.once(_judge)


def _judge(evidence: Evidence) -> list[Verdict]:
    found = [tuple(difference(evidence, h.arm, lower.arm) for h, lower in one.pairs) for one in paper.ORDERS]
    gaps = [_gap(evidence, one, found[i]) for i, one in enumerate(paper.ORDERS)]
    # the family is every claim, run or not: a verdict doesn't change because another arm was added
    holding = holm([1.0 if gap else _holds(own) for gap, own in zip(gaps, found, strict=True)])
    failing = holm([1.0 if gap else _fails(own) for gap, own in zip(gaps, found, strict=True)])
    verdicts = []
    for claim, own, gap, yes, no in zip(paper.ORDERS, found, gaps, holding, failing, strict=True):
        word = HOLDS if yes < ALPHA else FAILS if no < ALPHA else OPEN
        verdicts.append(Verdict(claim, word, gap or _why(claim, own, word, float(yes), float(no)), own))
    return verdicts + [_of_images(evidence, claim) for claim in paper.IMAGES]


def _gap(evidence: Evidence, claim: paper.Order, differences: Sequence[Difference | None]) -> str:
    """Why the claim can't be judged; empty if it can."""
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
            return (
                f"{len(have)} seed{'s' * (len(have) > 1)} of {row.arm}, and fewer than {MINIMUM_SEEDS} decide nothing"
            )
    if not all(one and one.varies for one in differences):
        return "the difference is the same in every seed, so its uncertainty is unknown"
    return ""


def _holds(differences: Sequence[Difference | None]) -> float:
    """Two-sided p that some pair isn't in the claimed order: the claim is about all of them, so the largest counts."""
    return min(1.0, max(2 * at_most(one, 0) for one in differences if one))


def _fails(differences: Sequence[Difference | None]) -> float:
    """Two-sided p that every pair differs by what is worth speaking of; Bonferroni over the pairs."""
    return min(1.0, len(differences) * min(2 * at_least(one, WORTH) for one in differences if one))


def _why(claim: paper.Order, found: Sequence[Difference | None], word: str, yes: float, no: float) -> str:
    told = [
        f"{higher.arm} against {lower.arm} {interval(one)} (the paper {signed(gain)})"
        for (higher, lower), one, gain in zip(claim.pairs, found, claim.gains, strict=True)
        if one
    ]
    rule = {
        HOLDS: f"above 0, Holm p = {yes:.2g}",
        FAILS: f"a gain of {100 * WORTH:g} point or more is ruled out, Holm p = {no:.2g}",
        OPEN: f"neither above 0 (Holm p = {yes:.2g}) nor below {100 * WORTH:g} point (Holm p = {no:.2g})",
    }[word]
    return f"{'; '.join(told)}: {rule}"


def interval(one: Difference | None) -> str:
    """E.g. "+1.20 (0.40 to 2.00)", in points; without an interval where there is none."""
    if one is None:
        return "not run yet"
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
    ps, told = [], []
    for other in claim.others:
        ours = [(figure(quality[claim.of], c, DISTANCE), figure(quality[other], c, DISTANCE)) for c in CKPLUS_CLASSES]
        pairs = [(a, b) for a, b in ours if a is not None and b is not None and a != b]
        if len(pairs) < 2:
            return Verdict(claim, OPEN, f"{DISTANCE.upper()} is not on file for {claim.of} and {other}")
        better = sum(a < b for a, b in pairs)
        differences = [a - b for a, b in pairs]
        ps.append([float(stats.wilcoxon(differences, alternative=side).pvalue) for side in ("less", "greater")])
        told.append(f"nearer to real faces than {other} in {better} of {len(pairs)} expressions")
    yes, no = max(p[0] for p in ps), min(1.0, len(ps) * min(p[1] for p in ps))
    word = HOLDS if yes < ALPHA / 2 else FAILS if no < ALPHA / 2 else OPEN
    return Verdict(claim, word, f"{'; '.join(told)} by {DISTANCE.upper()} (Wilcoxon p = {yes:.2g}; one GAN a family)")


def _collapsed(claim: paper.Images, classes: Mapping[str, Any]) -> Verdict:
    flat = [name for name in CKPLUS_CLASSES if classes.get(name, {}).get("collapsed") is True]
    word = HOLDS if len(flat) >= MAJORITY else FAILS
    named = f" ({', '.join(flat)})" if flat else ""
    return Verdict(claim, word, f"{len(flat)} of 7 expressions collapsed{named}; the rule asks for {MAJORITY}")


def figure(classes: Mapping[str, Any], name: str, metric: str) -> float | None:
    """A quality metric of one class, whether it is on file as a number or with its interval; None if it isn't."""
    value = classes.get(name, {}).get(metric)
    if isinstance(value, Mapping):
        value = value.get("value")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
