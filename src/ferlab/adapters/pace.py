"""How long a training will take, from the tracking store's finished ones of the same kind."""

from collections.abc import Mapping
from typing import Any

from ferlab.adapters.tracking import SECONDS, connect
from ferlab.project import Project

OF_THE_SAME_KIND = ("method", "network", "width", "stem", "input_size", "batch_size", "compile")
"""Settings that decide what a step costs."""


def seconds_of(project: Project, plan: Mapping[str, Any], threads: int) -> float | None:
    """Expected seconds of a training by the median of up to ten finished ones; None where none is known.

    Args:
        plan: an arm's plan.json: `settings` and `steps` (None for a classifier that makes no steps).
    """
    client = connect(project)
    experiment = client.get_experiment_by_name("classifiers")
    if experiment is None:
        return None
    wanted = {f"settings.{key}": value for key, value in plan["settings"].items() if key in OF_THE_SAME_KIND}
    conditions = [f"params.`{key}` = '{value}'" for key, value in (wanted | {"threads": threads}).items()]
    text = " AND ".join([*conditions, "attributes.status = 'FINISHED'"])
    found = client.search_runs([experiment.experiment_id], text, max_results=10)
    paces = sorted(
        float(run.data.tags[SECONDS]) / (_number(run.data.params.get("steps")) or 1)
        for run in found
        if SECONDS in run.data.tags and bool(_number(run.data.params.get("steps"))) == bool(plan["steps"])
    )
    return paces[len(paces) // 2] * (plan["steps"] or 1) if paces else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
