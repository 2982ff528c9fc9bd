"""Where a gain comes from: the paper's arms and our controls as a chain of paired differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from ferlab.evaluation.comparison import Difference
from ferlab.params import CKPLUS
from ferlab.report.differences import difference
from ferlab.report.evidence import Evidence
from ferlab.report.matching import alike, equal_counts, equal_steps, kind, plain_of

STEPS = "more steps"


def labels(evidence: Evidence) -> dict[str, str]:
    """Kind of an arm -> what it has that the one before it has not, in the order of a chain."""
    return {
        "steps": STEPS,
        "oversampled": "more images of any kind",
        CKPLUS: f"{evidence.data_sets.gan} itself",
        "gan": "the GAN",
    }


@dataclass(frozen=True)
class Link:
    """One step of a chain: what `arm` has that the arm `before` has not."""

    says: str
    before: str
    arm: str
    difference: Difference | None


@dataclass(frozen=True)
class Chain:
    """From a plain arm to the same classifier with a GAN's images; the links add up to `whole`."""

    plain: str
    target: str
    family: str
    links: tuple[Link, ...]
    whole: Difference | None


def chains(evidence: Evidence) -> list[Chain]:
    """A chain for each arm that params defines with a GAN's images and that has a plain arm of the same classifier.

    Controls are found by their settings. A control makes as many steps as the arm with the images, and one that adds
    images adds as many a class. One that is not defined, has not run or doesn't match joins its link to the next.
    """
    arms = evidence.params.arms
    targets = [name for name in sorted(arms) if kind(name, arms[name]) == "gan"]
    return [chain for target in targets if (chain := _chain(evidence, target))]


def _chain(evidence: Evidence, target: str) -> Chain | None:
    """None where no plain arm has the target's classifier."""
    plain = plain_of(evidence, target)
    if plain is None:
        return None
    controls = {
        what: name
        for name, what in alike(evidence, target).items()
        if what in labels(evidence) and what != "gan" and name in evidence.runs and _fits(evidence, what, name, target)
    }
    order = [plain, *(controls[what] for what in labels(evidence) if what in controls), target]
    links = tuple(
        Link(says, before, after, difference(evidence, after, before))
        for says, (before, after) in zip(_words(evidence, plain, target, controls), pairwise(order), strict=True)
    )
    family = evidence.params.arms[target].synthetic
    return Chain(plain, target, family, links, difference(evidence, target, plain))


def _fits(evidence: Evidence, what: str, control: str, target: str) -> bool:
    """Whether a control matches this target: as many steps and, if it adds images, as many of them."""
    return equal_steps(evidence, control, target) and (what == "steps" or equal_counts(evidence, control, target))


def _words(evidence: Evidence, plain: str, target: str, controls: Mapping[str, str]) -> list[str]:
    """Names of the links; one that had to swallow absent controls names them too."""
    words, waiting = [], list[str]()
    for what, label in labels(evidence).items():
        if what != "steps" or what in controls or not _known_equal_steps(evidence, plain, target):
            waiting.append(label)
        if what in controls or what == "gan":
            words.append(" + ".join(waiting))
            waiting = []
    return words


def _known_equal_steps(evidence: Evidence, one: str, other: str) -> bool:
    return one in evidence.arms and other in evidence.arms and equal_steps(evidence, one, other)
