"""Which arms may stand beside which: alike but for the images that they add, and with as many steps and images."""

from collections.abc import Mapping
from typing import Any

from ferlab.params import CKPLUS, NONE, Arm, Params
from ferlab.report.evidence import Evidence

ADDS = ("synthetic", "synthetic_per_class", "oversample_to", "match_steps_of")
"""What an arm and its control may differ in: what is added, and for how long is trained."""
JUDGED = ("classifier", "tuned", "select_on", "held_out", "tests", "drop_train_copies", "augmentation")
"""What arms must have in common for their accuracies to spread alike, whatever they add."""


def kind(name: str, arm: Arm) -> str:
    """What an arm is to those alike: `plain`, `steps`, `oversampled`, `ckplus` or `gan`."""
    if arm.synthetic == CKPLUS:
        return CKPLUS
    if arm.synthetic != NONE:
        return "gan"
    if arm.oversample_to:
        return "oversampled"
    return "plain" if arm.match_steps_of in (None, name) else "steps"


def alike(evidence: Evidence, target: str) -> dict[str, str]:
    """Arm -> its kind, for each that differs from `target` in nothing but ADDS, by name; `target` included."""
    arms = evidence.params.arms
    same = arms[target].model_dump(exclude=set(ADDS))
    return {name: kind(name, arms[name]) for name in sorted(arms) if arms[name].model_dump(exclude=set(ADDS)) == same}


def spread_alike(params: Params, one: str, other: str) -> bool:
    """Whether two arms train and judge the same network in the same way."""
    arms = params.arms
    return all(getattr(arms[one], key) == getattr(arms[other], key) for key in JUDGED)


def equal_steps(evidence: Evidence, one: str, other: str) -> bool:
    """Whether two arms make as many training steps; unknown ones count as equal."""
    return _equal(evidence, one, other, "steps")


def equal_counts(evidence: Evidence, one: str, other: str) -> bool:
    """Whether two arms add as many images, class by class."""
    arms = evidence.params.arms
    return _counts(arms, one) == _counts(arms, other) and _equal(evidence, one, other, "added_images")


def plain_of(evidence: Evidence, target: str) -> str | None:
    """The arm alike that adds nothing and makes its own steps; None where none is defined."""
    return next((name for name, what in alike(evidence, target).items() if what == "plain"), None)


def reference_of(evidence: Evidence, target: str) -> str | None:
    """The arm that a GAN's images are judged against: FER-2013's own repeated, with equal steps and equal counts.

    None where this budget runs none.
    """
    controls = [name for name, what in alike(evidence, target).items() if what == "oversampled"]
    ours = [name for name in controls if name in evidence.params.run.arms]
    fit = [name for name in ours if equal_steps(evidence, name, target) and equal_counts(evidence, name, target)]
    return next(iter(fit), None)


def _equal(evidence: Evidence, one: str, other: str, what: str) -> bool:
    first, second = evidence.arms.get(one), evidence.arms.get(other)
    return first is None or second is None or getattr(first, what) == getattr(second, what)


def _counts(arms: Mapping[str, Arm], name: str) -> Any:
    """What decides how many images a class an arm adds: equal for two arms that add equally many."""
    arm = arms[name]
    if arm.oversample_to is not None and arm.oversample_to in arms:
        return _counts(arms, arm.oversample_to)
    if arm.synthetic == NONE:
        return None
    return arm.synthetic == CKPLUS, arm.synthetic_per_class
