"""The paper's settings beside ours, and the arms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ferlab.papers import Paper
from ferlab.params import Params
from ferlab.records.plan import ArmSummary
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


def section(evidence: Evidence, album: Album) -> PageSection:
    """Arms, then a table a classifier and a GAN family."""
    params, paper = evidence.params, evidence.paper
    arms = evidence.arms
    values = {
        "settings": _settings(arms, paper),
        "arms": {name: arms[name] for name in params.run.arms if name in arms},
        "has_contempt": evidence.has_contempt,
        "families": {name: _family(name, params, paper) for name in params.run.families},
    }
    title = "Settings: the paper's and ours" if paper.settings else "Settings"
    return PageSection("settings", "Settings", title, values)


@dataclass
class Alike:
    """Arms with equal settings of one classifier: rows of (key, the paper's, ours)."""

    classifier: str
    rows: list[tuple[str, str, str]]
    arms: list[str]


def _settings(arms: Mapping[str, ArmSummary], paper: Paper) -> list[Alike]:
    """Classifier settings beside the paper's; arms with equal settings share one table."""
    groups: list[Alike] = []
    for name, summary in arms.items():
        classifier = summary.arm.classifier
        stated = classifier.removesuffix("-paper")  # the same network, at the setting that is stated
        rows = compare(paper, stated, _with_optimiser(summary.settings))
        same = next((group for group in groups if (group.classifier, group.rows) == (classifier, rows)), None)
        if same:
            same.arms.append(name)
        else:
            groups.append(Alike(classifier, rows, [name]))
    return groups


def _with_optimiser(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The optimiser is no parameter of ours: what has momentum is trained with SGD."""
    return ({"optimiser": "SGD"} if "momentum" in settings else {}) | dict(settings)


def _family(name: str, params: Params, paper: Paper) -> list[tuple[str, str, str]]:
    """A GAN family's settings beside the paper's. Its optimiser is no parameter: it is always Adam."""
    return compare(paper, name, {"family": name, "optimiser": "Adam"} | params.plain(f"gan.families.{name}"))


def compare(paper: Paper, of: str, ours: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The paper's settings of a classifier or family beside ours: (key, the paper's, ours); "" where one is silent."""
    flat = _flat(ours)
    theirs = paper.settings.get(of, {})
    keys = [*theirs, *(key for key in flat if key not in theirs)]
    return [(key, theirs.get(key, ""), flat.get(key, "")) for key in keys]


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = _text(value)
    return flat


def _text(value: Any) -> str:
    """A setting's value, e.g. "0.001", or of a list of settings "network vgg13, frozen 8; network vgg16, frozen 13"."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items() if part is not None)
    if isinstance(value, list):
        return "; ".join(map(_text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
