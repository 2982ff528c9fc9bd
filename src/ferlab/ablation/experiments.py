"""A question as experiments of DVC: one a point of the grid, with all its seeds, each the whole pipeline's."""

import hashlib
import re
from typing import Any

from ferlab import params as schema
from ferlab.ablation.keys import replaced
from ferlab.ablation.question import Point, Question, points
from ferlab.execution.experiments import Experiment
from ferlab.files import canonical_json
from ferlab.params import Params

_UNFIT = re.compile(r"[^A-Za-z0-9=.-]+|\.(?=\.|$)")  # for a name in git


def experiments(params: Params, question: Question) -> list[tuple[str, Experiment]]:
    """What each point of the grid changes in params.yaml, behind its title; the first is the baseline.

    Raises:
        UserError: params.yaml would be refused with the changes of a point.
    """
    first = [point for point in points(question) if point.seed == question.seeds[0]]
    return [(point.title, _experiment(params, question, point)) for point in first]


def _experiment(params: Params, question: Question, point: Point) -> Experiment:
    changes = {key: value for key, value in _changes(params, question, point).items() if _now(params, key) != value}
    schema.check(replaced(params, changes), f"the question: {point.title}")
    digest = hashlib.sha256(canonical_json(changes).encode()).hexdigest()[:8]
    return Experiment(f"{_UNFIT.sub('-', f'{question.arm}-{point.title}')[:60]}-{digest}", changes)


def _now(params: Params, key: str) -> Any:
    try:
        return params.plain(key)
    except KeyError:  # an arm that isn't run
        return None


def _changes(params: Params, question: Question, point: Point) -> dict[str, Any]:
    """The point's own keys, and what `run` has to say so that the pipeline runs its arm."""
    source = point.settings.get(f"arms.{question.arm}.synthetic", params.arms[question.arm].synthetic)
    families = [*params.run.families, *({source} & set(params.gan.families) - set(params.run.families))]
    own = {"seeds": list(question.seeds), f"arms.{question.arm}": source, "families": families}
    return dict(point.settings) | {f"run.{key}": value for key, value in own.items()}
