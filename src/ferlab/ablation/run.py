"""Plan a question, then run it: what is known already is taken, the rest is trained, the whole is one MLflow run."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from ferlab import params as schema
from ferlab.ablation.answer import Answer, known
from ferlab.ablation.executor import Executor, Watch
from ferlab.ablation.question import Point, Question, points, shown
from ferlab.ablation.variant import lay
from ferlab.adapters.tracking import tracked
from ferlab.execution.locks import exclusive
from ferlab.execution.pace import Pace
from ferlab.files import canonical_json
from ferlab.project import Project


@dataclass(frozen=True)
class Planned:
    """A point and what it will cost: nothing if its answer is known, else `seconds` (None: not known yet)."""

    point: Point
    known: Answer | None
    seconds: float | None

    def plain(self) -> dict[str, Any]:
        """As JSON types."""
        state = self.known.source if self.known else "to run"
        return {**asdict(self.point), "state": state, "seconds": self.seconds}


def plan(project: Project, question: Question) -> list[Planned]:
    """Every point of a question, with what is known of it.

    Raises:
        UserError: something that the points need is missing.
    """
    found = []
    params, pace = schema.load(project.params), Pace.read(project)
    for point in points(question):
        answered = known(project, point)
        seconds = 0.0 if answered else _expected(project, params, pace, point)
        found.append(Planned(point, answered, seconds))
    return found


def _expected(project: Project, params: schema.Params, pace: Pace, point: Point) -> float | None:
    variant = lay(project, params, point)
    told = json.loads((variant.work / "arms" / point.arm / "plan.json").read_text())
    asked = schema.load(variant.params)
    return pace.of_training(told["settings"], asked.data.kind, asked.compute.threads, told["steps"])


def run(
    project: Project, question: Question, executor: Executor, watch: Watch, heard: Callable[[Answer], None]
) -> list[Answer]:
    """Run a question's points and return their answers in the question's order.

    Args:
        heard: called with each answer as it comes.
    """
    asked = points(question)
    name = f"ablation-{_digest(question)}"
    with (
        exclusive(project, name),
        tracked(
            project,
            "classifiers",
            name,
            identity=name,
            params={"arm": question.arm, "seeds": " ".join(map(str, question.seeds))}
            | {f"set.{key}": shown(value) for key, value in question.settings.items()}
            | {f"grid.{key}": ", ".join(map(shown, values)) for key, values in question.grid.items()},
            tags={"stage": "ablate", "arm": question.arm},
        ) as parent,
    ):
        answers = {}
        for answer in executor.run(project, asked, parent.id, watch):
            answers[answer.point.name] = answer
            heard(answer)
        parent.figures({"points": len(asked), "failed": sum(a.source == "failed" for a in answers.values())})
    return [answers[point.name] for point in asked]


def _digest(question: Question) -> str:
    return hashlib.sha256(canonical_json(asdict(question)).encode()).hexdigest()[:12]
