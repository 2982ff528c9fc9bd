"""The paper's settings beside ours, and the arms."""

from collections.abc import Mapping
from typing import Any

from ferlab.params import Params
from ferlab.report import paper
from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section


def section(evidence: Evidence, album: Album) -> Section:
    """Arms, then a table a classifier and a GAN family."""
    params, arms = evidence.params, evidence.arms
    values = {
        "settings": _settings(arms),
        "arms": {name: arms[name] for name in params.run.arms if name in arms},
        "families": {name: _family(name, params) for name in params.run.families},
    }
    return Section("settings", "Settings", "Settings: theirs and ours", values)


def _settings(arms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Classifier settings beside the paper's; arms with equal settings share one table.

    The optimiser is no parameter of ours: networks are always trained with SGD.
    """
    groups: list[dict[str, Any]] = []
    for arm, about in arms.items():
        network = about["settings"].get("method") == "network"
        rows = paper.compare(about["classifier"], ({"optimiser": "SGD"} if network else {}) | about["settings"])
        for group in groups:
            if group["rows"] == rows and group["classifier"] == about["classifier"]:
                group["arms"].append(arm)
                break
        else:
            groups.append({"classifier": about["classifier"], "arms": [arm], "rows": rows})
    return groups


def _family(name: str, params: Params) -> list[tuple[str, str, str]]:
    """A GAN family's settings beside the paper's. Its optimiser is no parameter: it is always Adam."""
    return paper.compare(name, {"family": name, "optimiser": "Adam"} | params.plain(f"gan.families.{name}"))
