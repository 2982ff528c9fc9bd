"""Where a gain comes from: the paper's arms and our controls as a chain of paired differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from ferlab.evaluation.comparison import Difference
from ferlab.params import CKPLUS, NONE, Arm
from ferlab.report.evidence import Evidence
from ferlab.report.verdict import difference

LABELS = {
    "steps": "more steps",
    "oversampled": "more images of any kind",
    CKPLUS: "CK+ itself",
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

    Controls are found by their settings. One that is not defined or has not run joins its link to the next.
    """
    arms = dict(sorted(evidence.params.arms.items()))
    targets = [name for name, arm in arms.items() if _kind(arm) == "gan"]
    return [chain for target in targets if (chain := _chain(evidence, arms, target))]


def _chain(evidence: Evidence, arms: Mapping[str, Arm], target: str) -> Chain | None:
    """None where no plain arm has the target's classifier."""
    alike = {name: _kind(arm) for name, arm in arms.items() if _alike(arms[target], arm)}
    plain = next((name for name, kind in alike.items() if kind == "plain"), None)
    if plain is None:
        return None
    controls = {
        kind: name
        for name, kind in alike.items()
        if kind in LABELS and kind != "gan" and name in evidence.runs and _fits(evidence, kind, name, target)
    }
    order = [plain, *(controls[kind] for kind in LABELS if kind in controls), target]
    links = tuple(
        Link(says, before, after, difference(evidence, after, before))
        for says, (before, after) in zip(_words(controls), pairwise(order), strict=True)
    )
    return Chain(plain, target, arms[target].synthetic, links, difference(evidence, target, plain))


def _words(controls: Mapping[str, str]) -> list[str]:
    """Names of the links; one that had to swallow absent controls names them too."""
    words, waiting = [], list[str]()
    for kind, label in LABELS.items():
        waiting.append(label)
        if kind in controls or kind == "gan":
            words.append(" + ".join(waiting))
            waiting = []
    return words


def _kind(arm: Arm) -> str | None:
    """What an arm is in a chain, by its settings; None for one that changes something else."""
    if arm.drop_train_copies or not arm.augmentation or arm.labels != "drop_contempt" or arm.shuffled != "none":
        return None
    if arm.synthetic == CKPLUS and arm.oversample_to:
        return None
    if arm.synthetic == NONE:
        return "steps" if arm.match_steps_of else "oversampled" if arm.oversample_to else "plain"
    if arm.match_steps_of:
        return None
    return CKPLUS if arm.synthetic == CKPLUS else "gan"


def _alike(one: Arm, other: Arm) -> bool:
    """Whether two arms train the same classifier in the same way and are judged alike."""
    keys = ("classifier", "tuned", "select_on", "held_out", "tests")
    return all(getattr(one, key) == getattr(other, key) for key in keys)


def _fits(evidence: Evidence, kind: str, control: str, target: str) -> bool:
    """Whether a control matches this target: as many steps, or as many images."""
    ours, theirs = evidence.arms.get(control), evidence.arms.get(target)
    if ours is None or theirs is None:
        return True
    if kind == "steps":
        return ours.steps == theirs.steps
    return kind != "oversampled" or ours.added_images == theirs.added_images
