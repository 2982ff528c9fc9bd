"""What the images' own quality says of the paper's claims about images. docs/evidence.md gives the rules."""

from collections.abc import Mapping, Sequence

from scipy import stats

from ferlab.evaluation.judgement import ALPHA, FAILS, HOLDS, OPEN
from ferlab.papers import ImageClaim
from ferlab.records.quality import FamilyQuality
from ferlab.report.evidence import Evidence
from ferlab.report.words import DRAWN, drawn

DISTANCE = "kid"  # the distance from real faces by which images are judged; smaller is better
OTHER_THRESHOLDS = (0.2, 0.4)  # of diversity, on both sides of `quality.collapse_ratio`

Said = tuple[str, str]
"""HOLDS, FAILS or OPEN, and why."""


def judge_images(evidence: Evidence, claim: ImageClaim) -> Said:
    """The word on a claim about images, and why."""
    quality = evidence.quality
    if drawn(evidence.params):
        return OPEN, DRAWN
    if absent := [family for family in (claim.of, *claim.others) if family not in quality]:
        return OPEN, f"not judged: {', '.join(absent)}"
    if not claim.others:
        return _collapsed(quality[claim.of], evidence.gan_classes)
    return _nearest(claim, quality)


def _nearest(claim: ImageClaim, quality: Mapping[str, FamilyQuality]) -> Said:
    """Whether a family is nearer to real faces than each of the others, expression by expression."""
    nearer, farther, counts = [], [], []
    for other in claim.others:
        gaps = _gaps(quality[claim.of], quality[other])
        if len(gaps) < 2:
            return OPEN, f"{DISTANCE.upper()} is not on file for {claim.of} and {other}"
        nearer.append(float(stats.wilcoxon(gaps, alternative="less").pvalue))
        farther.append(float(stats.wilcoxon(gaps, alternative="greater").pvalue))
        better = sum(gap < 0 for gap in gaps)
        counts.append(f"nearer to real faces than {other} in {better} of {len(gaps)} expressions")
    yes = max(nearer)
    no = min(1.0, len(farther) * min(farther))
    word = HOLDS if yes < ALPHA / 2 else FAILS if no < ALPHA / 2 else OPEN
    return word, f"{'; '.join(counts)} by {DISTANCE.upper()} (Wilcoxon p = {yes:.2g}; one GAN per family)"


def _gaps(one: FamilyQuality, other: FamilyQuality) -> list[float]:
    """Distance from real faces, one family's minus the other's, for each expression where both are known and differ."""
    gaps = []
    for name in one.classes:
        ours, theirs = (of.classes[name].value(DISTANCE) if name in of.classes else None for of in (one, other))
        if ours is not None and theirs is not None and ours != theirs:
            gaps.append(ours - theirs)
    return gaps


def _collapsed(family: FamilyQuality, classes: Sequence[str]) -> Said:
    flat = [name for name in classes if name in family.classes and family.classes[name].collapsed]
    majority = len(classes) // 2 + 1
    word = HOLDS if len(flat) >= majority else FAILS
    named = f" ({', '.join(flat)})" if flat else ""
    others = " and ".join(f"{_below(family, threshold)} at {threshold}" for threshold in OTHER_THRESHOLDS)
    return word, (
        f"{len(flat)} of {len(classes)} expressions collapsed{named}; the rule needs {majority}. This is one GAN "
        f"and one threshold of diversity; with other thresholds it would be {others}"
    )


def _below(family: FamilyQuality, threshold: float) -> int:
    """How many expressions are less varied than a share (0-1) of real faces' variety."""
    known = [one.value("diversity") for one in family.classes.values()]
    return sum(value < threshold for value in known if value is not None)
