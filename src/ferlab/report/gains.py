"""Where a gain comes from: the paper's arms and our controls as a chain of paired differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ferlab.evaluation.comparison import Difference
from ferlab.params import NONE
from ferlab.report.evidence import Evidence
from ferlab.report.verdict import difference

CKPLUS = "ckplus"  # the synthetic source that is real CK+ images
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
    params = evidence.params
    arms = {name: arm.model_dump(mode="json") for name, arm in sorted(params.arms.items())}
    kinds = {name: _kind(arm) for name, arm in arms.items()}
    found = []
    for target, arm in arms.items():
        if kinds[target] != "gan":
            continue
        alike = {n: kinds[n] for n, other in arms.items() if _same_classifier(arm, other)}
        plain = next((name for name, kind in alike.items() if kind == "plain"), None)
        if plain is None:
            continue
        controls = {
            kind: name
            for name, kind in alike.items()
            if kind in LABELS and kind != "gan" and name in evidence.runs and _fits(evidence, kind, name, target)
        }
        order = [plain, *(controls[kind] for kind in LABELS if kind in controls), target]
        words = [LABELS[kind] for kind in LABELS if kind in controls or kind == "gan"]
        words = _joined(words, controls)
        links = tuple(
            Link(says, before, after, difference(evidence, after, before))
            for says, before, after in zip(words, order, order[1:], strict=False)
        )
        found.append(Chain(plain, target, str(arm["synthetic"]), links, difference(evidence, target, plain)))
    return found


def _joined(words: list[str], controls: Mapping[str, str]) -> list[str]:
    """Names of the links; one that had to swallow absent controls names them too."""
    named, waiting = [], list[str]()
    for kind, label in LABELS.items():
        waiting.append(label)
        if kind in controls or kind == "gan":
            named.append(" + ".join(waiting))
            waiting = []
    assert len(named) == len(words)
    return named


def _kind(arm: Mapping[str, Any]) -> str | None:
    """What an arm is in a chain, by its settings; None for one that changes something else."""
    if (
        arm.get("drop_train_copies")
        or arm.get("augmentation") is False
        or arm.get("select_on", "valid") != "valid"
        or arm["labels"] != "drop_contempt"
    ):
        return None
    if arm["synthetic"] == NONE:
        return "steps" if arm["match_steps_of"] else "oversampled" if arm.get("oversample_to") else "plain"
    if arm["match_steps_of"]:
        return None
    return CKPLUS if arm["synthetic"] == CKPLUS else "gan"


def _same_classifier(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["classifier"] == other["classifier"] and one["tuned"] == other["tuned"])


def _fits(evidence: Evidence, kind: str, control: str, target: str) -> bool:
    """Whether a control matches this target: as many steps, or as many images."""
    plans, key = evidence.arms, {"steps": "steps", "oversampled": "added_images"}.get(kind)
    if key is None or control not in plans or target not in plans:
        return True
    return bool(plans[control].get(key) == plans[target].get(key))
