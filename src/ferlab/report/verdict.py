"""What our numbers say of each claim of the paper. docs/evidence.md gives the rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ferlab.evaluation.comparison import Difference
from ferlab.evaluation.judgement import (
    FAILS,
    HOLDS,
    OPEN,
    WORTH,
    Direction,
    Equivalence,
    Size,
    directions,
    equivalences,
    sizes,
)
from ferlab.papers import ImageClaim
from ferlab.report.differences import difference, interval, paired_difference, points
from ferlab.report.evidence import Evidence
from ferlab.report.image_verdict import judge_images
from ferlab.report.matching import reference_of
from ferlab.report.rows import Order, orders_of
from ferlab.report.words import DRAWN, drawn, seeds

MINIMUM_BLOCKS = 3

Pairs = tuple[tuple[str, str], ...]
"""Pairs of arms: the one that is claimed to be more accurate, the other."""


@dataclass(frozen=True)
class Gap:
    """Why a claim can't be judged: in plain words, and with the arms' names."""

    plain: str
    detail: str


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Attributes:
        claim: as the paper makes it.
        word: HOLDS, FAILS or OPEN.
        why: the numbers and the rule, in a sentence.
        gap: why it can't be judged; None where it can.
        pairs: the arms that decide; of a claim that images lift a network, with them and the reference.
        differences: of accuracy (0-1), one a pair, None for a pair that hasn't run.
        beside: the same with the plain paired t.
        over_plain: of a lift, the gain over the plain arm, as the paper has it.
        size: the paper's printed gain against that; None where it can't be judged, and `size_gap` says why.
        equivalence: whether the gain over the reference is practically nothing; None where it can't be judged.
    """

    claim: Order | ImageClaim
    word: str
    why: str
    gap: Gap | None = None
    pairs: Pairs = ()
    differences: tuple[Difference | None, ...] = ()
    beside: tuple[Difference | None, ...] = ()
    over_plain: Difference | None = None
    size: Size | None = None
    size_gap: Gap | None = None
    equivalence: Equivalence | None = None

    @property
    def primary(self) -> bool:
        """Whether the claim is one of those that decide."""
        return isinstance(self.claim, Order) and self.claim.primary

    @property
    def printed_is(self) -> str:
        """What became of the paper's printed gain: "ruled out" or "compatible"; "" where it can't be judged."""
        return "" if self.size is None else "ruled out" if self.size.ruled_out else "compatible"

    def numbers(self) -> dict[str, Any]:
        """As plain JSON: points of accuracy."""
        if isinstance(self.claim, ImageClaim):
            return {"verdict": self.word}
        names = [f"{higher} - {lower}" for higher, lower in self.pairs]
        told: dict[str, Any] = {
            "verdict": self.word,
            "family": "primary" if self.primary else "secondary",
            "differences": dict(zip(names, map(points, self.differences), strict=True)),
            "paired_t": dict(zip(names, map(points, self.beside), strict=True)),
        }
        if self.claim.lifts:
            told |= {"over_plain": points(self.over_plain), "printed": self.claim.gains[0]}
        if self.size:
            told["printed_is"] = self.printed_is
            told["apart"] = round(100 * self.size.apart, 4)
        if self.equivalence and self.equivalence.margin:
            told["practically_nothing_within"] = 100 * self.equivalence.margin
        return told


def judge(evidence: Evidence) -> list[Verdict]:
    """A verdict on each claim of the paper: of Table 1 the primary claims, then the others; then those about images."""
    return evidence.once(_judge)


def _judge(evidence: Evidence) -> list[Verdict]:
    claims = orders_of(evidence.params, evidence.paper)
    primary = [claim for claim in claims if claim.primary]
    secondary = [claim for claim in claims if not claim.primary]
    images = [Verdict(claim, *judge_images(evidence, claim)) for claim in evidence.paper.image_claims]
    return [*_family(evidence, primary), *_family(evidence, secondary), *images]


@dataclass(frozen=True)
class _Case:
    """A claim with the arms that decide it, their differences, and why these can't decide it; None if they can.

    The same of the gain over the plain arm, where the claim is that images lift a network.
    """

    claim: Order
    pairs: Pairs
    differences: tuple[Difference | None, ...]
    gap: Gap | None
    over_plain: Difference | None
    size_gap: Gap | None

    @property
    def decides(self) -> list[Difference] | None:
        return None if self.gap else [one for one in self.differences if one]

    @property
    def net(self) -> Difference | None:
        """The gain over the reference, if it may be judged."""
        return self.decides[0] if self.decides and self.claim.lifts else None

    @property
    def printed(self) -> tuple[Difference, float] | None:
        """Our gain over the plain arm and the paper's, if they may be judged."""
        return (self.over_plain, self.claim.gains[0] / 100) if self.over_plain and not self.size_gap else None


def _family(evidence: Evidence, claims: Sequence[Order]) -> list[Verdict]:
    """Verdicts on claims that are corrected together, run or not."""
    cases = [_case(evidence, claim) for claim in claims]
    found = zip(
        cases,
        directions([case.decides for case in cases]),
        sizes([case.printed for case in cases]),
        equivalences([case.net for case in cases]),
        strict=True,
    )
    return [
        Verdict(
            claim=case.claim,
            word=direction.word,
            why=case.gap.detail if case.gap else _why(case, direction),
            gap=case.gap,
            pairs=case.pairs,
            differences=case.differences,
            beside=tuple(paired_difference(evidence, *pair) for pair in case.pairs),
            over_plain=case.over_plain,
            size=size,
            size_gap=case.size_gap,
            equivalence=equivalence,
        )
        for case, direction, size, equivalence in found
    ]


def _case(evidence: Evidence, claim: Order) -> _Case:
    pairs = _pairs(evidence, claim)
    differences = tuple(difference(evidence, *pair) for pair in pairs)
    gap = _gap(evidence, claim, pairs)
    if not claim.lifts:
        return _Case(claim, pairs, differences, gap, None, None)
    (higher, lower), *_ = claim.pairs
    printed = ((higher.arm, lower.arm),)
    over_plain = difference(evidence, higher.arm, lower.arm)
    return _Case(claim, pairs, differences, gap, over_plain, _gap(evidence, claim, printed))


def _pairs(evidence: Evidence, claim: Order) -> Pairs:
    """The arms that decide a claim; empty for a lift where nothing matches the arm with the images."""
    if not claim.lifts:
        return tuple((higher.arm, lower.arm) for higher, lower in claim.pairs)
    target = claim.row.arm
    reference = reference_of(evidence, target) if target in evidence.params.arms else None
    return ((target, reference),) if reference else ()


def _gap(evidence: Evidence, claim: Order, pairs: Pairs) -> Gap | None:
    """Why a claim can't be judged by these pairs of arms; None if it can."""
    if drawn(evidence.params):
        return Gap(DRAWN, DRAWN)
    arms = dict.fromkeys((claim.row.arm, *(arm for pair in pairs for arm in pair)))
    if absent := [arm for arm in arms if not evidence.runs.get(arm)]:
        return Gap("not everything that it needs has been run", f"not run: {', '.join(absent)}")
    if not pairs:
        return Gap(
            "there is no run with as many steps on as many real images",
            "no arm here has as many steps and as many images per class without the GAN, so only the size is judged",
        )
    for arm in arms:
        have = evidence.runs[arm]
        if missing := [str(seed) for seed in evidence.params.run.seeds if seed not in have]:
            late = "no verdict before the last planned block"
            return Gap("some planned runs are missing", f"seed {', '.join(missing)} of {arm} is missing: {late}")
        if len(have) < MINIMUM_BLOCKS:
            few = f"fewer than {MINIMUM_BLOCKS} decide nothing"
            return Gap(
                f"{len(have)} run{'s' if len(have) > 1 else ''} of each kind, and {few}",
                f"{seeds(len(have))} of {arm}, and {few}",
            )
        if _chosen_by_publictest(evidence, arm):
            chose = "PublicTest, which was used to choose its epoch or settings"
            return Gap("a test split was used to choose the epoch or the settings", f"{arm} is judged on {chose}")
    if not all(one and one.varies for one in (difference(evidence, *pair) for pair in pairs)):
        same = "the difference is the same in every seed, so its uncertainty is unknown"
        return Gap(same, same)
    return None


def _chosen_by_publictest(evidence: Evidence, name: str) -> bool:
    params = evidence.params
    arm = params.arms[name]
    searched = arm.tuned and arm.classifier in params.run.tuned and not params.tune.held_out
    return "valid" in arm.tests and (searched or arm.select_on != "last" or not arm.held_out)


def _why(case: _Case, said: Direction) -> str:
    numbers = [
        f"{higher} against {lower} {interval(one)}"
        for (higher, lower), one in zip(case.pairs, case.differences, strict=True)
    ]
    worth = f"{100 * WORTH:g} point"
    rule = {
        HOLDS: f"above 0, Holm p = {said.holds:.2g}",
        FAILS: f"a gain of {worth} or more is ruled out, Holm p = {said.fails:.2g}",
        OPEN: f"neither above 0 (Holm p = {said.holds:.2g}) nor below {worth} (Holm p = {said.fails:.2g})",
    }[said.word]
    return f"{'; '.join(numbers)}: {rule}"
