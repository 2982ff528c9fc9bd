"""Networks that learn from votes, which only some data sets have."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from ferlab.params.classifiers import NetworkClassifier
from ferlab.params.data import PAPERS_OWN, Data
from ferlab.parts import DATASETS, TAKEN

VOTED = ("ferplus",)
"""Forms of ferlab's own whose images people voted on."""


def check_targets(settings: BaseModel, data: Data, *added: str) -> None:
    """Check that somebody may have voted on the images that a classifier learns from, if it learns from votes.

    Args:
        settings: of the classifier.
        added: data sets whose images are added to those of `data.train`; where some have votes, the others' count as
            certain of their label.

    Raises:
        ValueError: nobody has; it names the key below the settings.
    """
    learned_from = list(dict.fromkeys((data.train, *added)))
    if any(_may_have_votes(data, name) for name in learned_from):
        return
    for key, targets in _targets(settings):
        if targets != "majority":
            raise ValueError(
                f"{key}: '{targets}', but nobody voted on the images of {' and '.join(learned_from)}; set it to "
                "majority, or first name a data set with votes (FER+: docs/guide/data_sets.md)"
            )


def _may_have_votes(data: Data, name: str) -> bool:
    """Whether the images of a data set can have votes; of another package's form only reading it tells."""
    if name in PAPERS_OWN:
        return False
    form = data.sets[name].form
    return form in VOTED or form not in TAKEN[DATASETS]


def _targets(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The dotted key and the value of `targets` of each network in a classifier's settings."""
    if isinstance(node, NetworkClassifier):
        yield f"{key}targets", node.targets
    elif isinstance(node, BaseModel | Mapping):
        for name, value in node.items() if isinstance(node, Mapping) else node:
            yield from _targets(value, f"{key}{name}.")
