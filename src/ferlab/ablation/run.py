"""Run a planned question: what is known is taken, the rest are tasks of an executor, the whole is one MLflow run."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from ferlab.ablation.away import inputs_of, inputs_of_variant
from ferlab.ablation.plan import Planned, Planner, find_answer, to_make
from ferlab.ablation.question import Point, Question, shown
from ferlab.ablation.result import Result
from ferlab.ablation.variant import Variant
from ferlab.execution.cost import OTHERS, START_UP, gan_seconds, training_seconds
from ferlab.execution.images import to_draw_from
from ferlab.execution.killed import Killed, was_killed
from ferlab.execution.locks import exclusive
from ferlab.execution.pace import Pace
from ferlab.execution.task import Event, Executor, Task, Words, in_parts, resources
from ferlab.files import canonical_json
from ferlab.project import Project

Parts = Callable[[Words, float], Mapping[str, Words]]
Watch = Callable[[Point, str], None]
"""(point, words): how far a point's training is."""
LESS_MEMORY = "a smaller batch_size or width, or --jobs 1, needs less"


def run(
    project: Project,
    question: Question,
    planned: Sequence[Planned],
    executor: Executor,
    parts: Parts,
    watch: Watch,
    heard: Callable[[Result], None],
) -> list[Result]:
    """Run a question's points and return what became of them, in the question's order.

    Args:
        parts: a stage's command and expected seconds -> what of it is done side by side ahead of it.
        heard: called with each result as it comes.
    """
    from ferlab.adapters.tracking import tracked  # late: planning needs no MLflow

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
        hearing = _Hearing(project, {one.point.name: one for one in planned}, watch, heard)
        hearing.take_known()
        for variant in to_make(planned):
            variant.lay()
        executor.run(_tasks(project, hearing.open, parts, parent.id), hearing.tell)
        hearing.give_up()
        results = [hearing.results[one.point.name] for one in planned]
        parent.figures({"points": len(planned), "failed": sum(result.source == "failed" for result in results)})
    return results


@dataclass
class _Hearing:
    """Turns an executor's events into results, each told once."""

    project: Project
    planned: Mapping[str, Planned]
    watch: Watch
    heard: Callable[[Result], None]
    results: dict[str, Result] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)  # why what others wait for has failed
    killed: Killed = field(default_factory=lambda: Killed(LESS_MEMORY))

    @property
    def open(self) -> list[Planned]:
        return [one for name, one in self.planned.items() if name not in self.results]

    def take_known(self) -> None:
        for one in self.planned.values():
            if one.identity and (answer := find_answer(self.project, one.identity)):
                self._keep(Result(one.point, one.state, answer))

    def tell(self, event: Event) -> None:
        one = self.planned.get(event.task.name)
        if one is None:
            if event.kind == "failed":
                self.lost.append(f"{event.task.name}: {self._reason(event)}")
        elif event.kind == "printed":
            self.watch(one.point, event.text)
        elif event.kind == "stopping":
            self.watch(one.point, "stops, and keeps what it has reached")
        elif event.kind == "failed":
            self._keep(Result(one.point, "failed", error=self._reason(event)))
        elif event.kind == "done":
            now = one
            if not (one.identity and find_answer(self.project, one.identity)):
                now = Planner(self.project).look(one.point)  # its images are made by now, or another seed's run stands
            answer = find_answer(self.project, str(now.identity))
            assert answer, one.point.name
            ran = one.state == "to run" and now.trained == one.trained
            self._keep(Result(one.point, "run" if ran else now.state, answer))

    def give_up(self) -> None:
        """What was never begun failed with what it waited for."""
        for one in self.open:
            self._keep(Result(one.point, "failed", error="; ".join(self.lost)))

    def _reason(self, event: Event) -> str:
        """Why a task failed, for people."""
        if was_killed(event):
            return str(self.killed)
        _, error, said = event.text.rpartition("error: ")  # as the command line ends what a user can mend
        return said if error else f"{event.text.rpartition(chr(10))[2]} (more in {event.task.log})"

    def _keep(self, result: Result) -> None:
        self.results[result.point.name] = result
        self.heard(result)


def cost(project: Project, planned: Sequence[Planned]) -> float:
    """Roughly the seconds that points take, and the GANs and synthetic sets before them, one after the other."""
    return sum(task.seconds for task in _tasks(project, planned, lambda *_: {}, parent=""))


def _tasks(project: Project, planned: Sequence[Planned], parts: Parts, parent: str) -> list[Task]:
    """The points, behind the GANs and the synthetic sets that they wait for."""
    pace, logs, tasks = Pace.read(project), project.state / "ablation" / "logs", list[Task]()
    drawn_from = to_draw_from(project, planned[0].params.data) if planned else 0
    for variant in to_make(planned):
        gan = variant.stage == "gan"
        task = Task(
            name=_name(variant),
            command=variant.words,
            folder=variant.root.root,
            log=logs / f"{_name(variant)}.log",
            waits_for=_names([variant.source]),
            inputs=inputs_of_variant(variant),
            outs=(variant.out,),
            **resources(variant.params),
            seconds=gan_seconds(pace, variant.params, variant.family, drawn_from) if gan else OTHERS,
        )
        tasks += in_parts(task, parts(variant.words, task.seconds), START_UP)
    for one in planned:
        settings = one.plan.settings.model_dump(mode="json")
        rough = training_seconds(pace, one.params, settings, one.plan.real_images + one.plan.added_images)
        tasks.append(
            Task(
                name=one.point.name,
                command=(*one.point.words, "--parent", parent),
                folder=project.root,
                log=logs / f"{one.point.name}.log",
                waits_for=_names([one.source]),
                inputs=inputs_of(one, project),
                **resources(one.params),
                seconds=rough if one.seconds is None else one.seconds,
            )
        )
    return tasks


def _name(variant: Variant) -> str:
    return f"{variant.stage}@{variant.family}-{variant.draw}-{variant.identity[:6]}"


def _names(sources: Sequence[object]) -> frozenset[str]:
    return frozenset(_name(source) for source in sources if isinstance(source, Variant))


def _digest(question: Question) -> str:
    return hashlib.sha256(canonical_json(asdict(question)).encode()).hexdigest()[:12]
