"""What a question comes to, found out without starting or writing anything."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ferlab.ablation.checkout import Checkout
from ferlab.ablation.keys import changed
from ferlab.ablation.question import Point, Question, points
from ferlab.ablation.variant import Variant, source_of
from ferlab.classifiers.catalogue import METHODS, is_drawn
from ferlab.errors import UserError
from ferlab.execution.pace import Pace
from ferlab.files import canonical_json
from ferlab.params import Params
from ferlab.project import Project
from ferlab.records import answer as answers
from ferlab.records import run as runs
from ferlab.records.answer import Answer
from ferlab.records.plan import ArmPlan
from ferlab.records.run import RunRecord
from ferlab.synthesis.plan import Added, added_counts, make_plan
from ferlab.training.identity import identify_training

UNKNOWN = "0" * 64  # stands for the digest of images that are yet to be made


@dataclass(frozen=True)
class Planned:
    """A point, and what is known of it before it is run.

    Attributes:
        plan: its training's; with another seed than the point's where a run of that one gives the very same.
        identity: of its training; None before the images that it adds are made.
        state: `earlier` (answered by an earlier question), `pipeline` (trained by the pipeline), or `to run`.
        seconds: expected: 0 for a point that is known, None where no pace is known.
        source: the images that it adds.
    """

    point: Point
    params: Params
    plan: ArmPlan
    identity: str | None
    state: str
    seconds: float | None
    source: Path | Variant

    @property
    def trained(self) -> Point:
        """The point of the seed that it is trained with."""
        return replace(self.point, seed=self.plan.seed)

    @property
    def waits_for(self) -> list[Variant]:
        """What has to be made before it, in order."""
        found, source = list[Variant](), self.source
        while isinstance(source, Variant) and not source.is_made:
            found.insert(0, source)
            source = source.source
        return found

    def plain(self) -> dict[str, Any]:
        """As JSON types."""
        known = {"state": self.state, "seconds": self.seconds, "identity": self.identity}
        return {**asdict(self.point), **known, "trained_seed": self.plan.seed}


class Planner:
    """Plans points; what several of them share is worked out once."""

    def __init__(self, project: Project) -> None:
        self.project, self.checkout = project, Checkout(project)
        self._asked = dict[str, Params]()

    def plan(self, question: Question) -> list[Planned]:
        """Every point of a question, in its order.

        Raises:
            UserError: something that the points need is missing.
        """
        return [self.look(point) for point in points(question)]

    def look(self, point: Point) -> Planned:
        """One point."""
        params, arm = self._params(point), point.arm
        source = source_of(self.checkout, params, arm, point.seed)
        if isinstance(source, Variant) and not source.is_made:
            plan = self._plan(params, point, Added(sum(added_counts(params, params.arms[arm]).values()), UNKNOWN))
            return Planned(point, params, plan, None, "to run", self._seconds(plan, params), source)
        added = self.checkout.added(params, arm, point.seed, source.out if isinstance(source, Variant) else source)
        plan = self._plan(params, point, added)
        identity = self.identity(plan, params, point)
        state = self._state(point, identity)
        if state == "to run" and (twin := self._twin(params, point, plan)):
            plan, identity = plan.model_copy(update={"seed": twin.seed}), twin.identity
            state = self._state(replace(point, seed=twin.seed), identity)
        seconds = self._seconds(plan, params) if state == "to run" else 0.0
        return Planned(point, params, plan, identity, state, seconds, source)

    def identity(self, plan: ArmPlan, params: Params, point: Point) -> str:
        """The name of a point's training."""
        return identify_training(plan, point.arm, point.seed, *self.checkout.hashes, device(params)).name

    def of_all_seeds(self, planned: Planned) -> str | None:
        """A name that the trainings of all seeds share where a fit may draw nothing; None where every fit draws."""
        if METHODS[planned.plan.settings.method].draws:
            return None
        plan = planned.plan.model_copy(update={"seed": 0})
        return self.identity(plan, planned.params, replace(planned.point, seed=0))

    def _twin(self, params: Params, point: Point, plan: ArmPlan) -> RunRecord | None:
        """A run that is here, of another seed alone, where that seed has drawn nothing."""
        if METHODS[plan.settings.method].draws:  # then the many records needn't be read
            return None
        answered = place_of(self.project, "*").parent.glob(f"*/{runs.FILE}")
        for path in sorted((*answered, *(self.project.work / "runs").glob(f"{point.arm}-*/{runs.FILE}"))):
            try:
                record = RunRecord.read(path)
            except UserError:  # of another version of ferlab
                continue
            if record.arm != point.arm or is_drawn(record, plan.real_images + plan.added_images):
                continue
            same = plan.model_copy(update={"seed": record.seed})
            if self.identity(same, params, replace(point, seed=record.seed)) == record.identity:
                return record
        return None

    def _params(self, point: Point) -> Params:
        """A point's parameters, checked once for all seeds.

        Where it sets one of the values that a tuned arm takes from its search, it wins over the search, and the other
        values found stay.
        """
        key = canonical_json(dict(point.settings))
        if key not in self._asked:
            own, settings = self.checkout.params, dict(point.settings)
            row = own.arms[point.arm]
            if settings.get(f"arms.{point.arm}.tuned", row.tuned):
                values = self.checkout.tuned(point.arm, row.classifier).values
                found = {f"classifiers.{row.classifier}.{name}": value for name, value in values.items()}
                if found.keys() & settings.keys():
                    settings = found | settings | {f"arms.{point.arm}.tuned": False}
            self._asked[key] = changed(own, point.arm, settings)
        return self._asked[key]

    def _plan(self, params: Params, point: Point, added: Added) -> ArmPlan:
        row = params.arms[point.arm]
        return make_plan(
            params,
            point.arm,
            point.seed,
            self.checkout.train,
            self.checkout.dropped(params, point.arm),
            added,
            self.checkout.tuned(point.arm, row.classifier) if row.tuned else None,
            self.checkout.method_code(params, point.arm),
        )

    def _state(self, point: Point, identity: str) -> str:
        if (kept := find_answer(self.project, identity)) is not None:
            return "pipeline" if kept.source == "pipeline" else "earlier"
        return "pipeline" if is_of(pipeline_run(self.project, point), identity) else "to run"

    @cached_property
    def _pace(self) -> Pace:
        return Pace.read(self.project)

    def _seconds(self, plan: ArmPlan, params: Params) -> float | None:
        settings, threads = plan.settings.model_dump(mode="json"), params.compute.threads
        images = plan.real_images + plan.added_images
        return self._pace.of_training(settings, params.data.kind, threads, plan.steps, images)


def device(params: Params) -> str:
    """`cpu` or `cuda`; asked of torch only where params.yaml leaves it open. It may be one that this machine hasn't."""
    if params.compute.device != "auto":
        return params.compute.device
    from ferlab.training.seeding import resolve_device

    return resolve_device(params.compute.device)


def place_of(project: Project, identity: str) -> Path:
    """The folder of an answer."""
    return project.state / "ablation" / "answers" / identity


def find_answer(project: Project, identity: str) -> Answer | None:
    """The answer that is kept of a training, or None."""
    path = place_of(project, identity) / answers.FILE
    return (
        Answer.read(path, next_step="delete that folder; the same question answers it anew") if path.is_file() else None
    )


def pipeline_run(project: Project, point: Point) -> Path:
    """The folder of the pipeline's own run of an arm and seed."""
    return project.work / "runs" / f"{point.arm}-{point.seed}"


def is_of(run: Path, identity: str) -> bool:
    """Whether a folder holds the run of a training. One of another version of ferlab is of another training."""
    try:
        return RunRecord.read(run / runs.FILE).identity == identity
    except UserError:
        return False


def to_make(planned: Sequence[Planned]) -> list[Variant]:
    """The GANs and synthetic sets that points wait for, each once, in an order in which they can be made."""
    return list({variant.identity: variant for one in planned for variant in one.waits_for}.values())
