"""Several trainings on threads of one process that share a GPU: networks with their evaluations, and labels' GANs.

A training alone leaves most of a GPU idle, and processes beside each other take turns on it. Each training here is what
DVC would call: the stages `train` and `evaluate` of one arm and seed, or `gan` of one family and draw, a label each,
with the same locks, identity, checkpoint, MLflow run and outs. Its result doesn't depend on the pack.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import inf

import torch

from ferlab.errors import UserError
from ferlab.execution.threads import on_threads
from ferlab.params import Params
from ferlab.project import Project
from ferlab.stages import evaluate, gan, train
from ferlab.stages.context import Context, Stage, call

STAGES = {stage.name: stage for stage in (gan.STAGE, train.STAGE)}


@dataclass(frozen=True)
class Training:
    """One training of a pack.

    Attributes:
        of: the stage in dvc.yaml that it belongs to, such as `train@resnet50-0`.
        label: of a stage `gan`, whose GANs are trained one a thread.
        flags: what it sets for the whole process, in words that can be sorted.
    """

    of: str
    label: str | None
    flags: tuple[bool, str]

    @property
    def name(self) -> str:
        return f"{self.of}:{self.label}" if self.label else self.of


@dataclass
class Packed:
    """How a pack's trainings ended: names of stages, such as `train@resnet50-0`.

    Attributes:
        done: those that have made their outs; a training's evaluation among them.
        failed: name to reason.
        left: those that weren't begun, or not as a whole, as the time wouldn't have sufficed.
    """

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


class Pack:
    """Trains what is named, in this order and so many at once. One that fails takes no other with it.

    Trainings that want other settings of the whole process, such as deterministic kernels, come one group after the
    other.

    Args:
        names: stages `train` and `gan` as dvc.yaml calls them.
        packed: is told as trainings end.
        until: a reading of time.time(). No training is begun then, nor one before that would take until later, if it
            took as long as the longest of its stage so far.

    Raises:
        UserError: a name is of no training; or what it is trained on is missing.
    """

    def __init__(
        self,
        project: Project,
        params: Params,
        names: Sequence[str],
        at_once: int,
        packed: Packed,
        say: Callable[[str], None],
        until: float = inf,
    ) -> None:
        self._project, self._params, self._at_once = project, params, at_once
        self._packed, self._say, self._until = packed, say, until
        self._stop = threading.Event()
        self._took = dict[str, float]()  # by stage
        self._trainings = [training for name in names for training in self._trainings_of(name)]
        self._open = {name: {one.name for one in self._trainings if one.of == name} for name in names}
        self._count, self._lock = 0, threading.Lock()

    def run(self) -> None:
        """Train all.

        Raises:
            KeyboardInterrupt: the process was asked to stop. Each training under way has saved its state.
        """
        for _, group in groupby(sorted(self._trainings, key=lambda one: one.flags), key=lambda one: one.flags):
            on_threads(self._run, list(group), self._at_once, self._stop)

    def _trainings_of(self, name: str) -> Iterator[Training]:
        context = self._context(name)
        if context.stage is train.STAGE:
            plan = train.plan_of(context)
            flags = bool(getattr(plan.settings, "deterministic", True)), plan.compute.model_dump_json()
            yield Training(name, None, flags)
        else:
            for label in gan.labels(context):
                yield Training(name, label, (True, self._params.compute.model_dump_json()))

    def _context(self, name: str, stage: Stage | None = None) -> Context:
        kind, _, arguments = name.partition("@")
        declared = stage or STAGES.get(kind)
        first, _, number = arguments.rpartition("-")
        if declared is None or not (first and number.isdecimal()):
            raise UserError(
                f"'{name}' is no training",
                where="ferlab pack",
                next_step="name stages as dvc.yaml does, such as train@resnet50-0 and gan@dcgan-0",
            )
        named = dict(zip(declared.arguments, (first, number), strict=True))
        return Context(self._project, declared, named, self._params, stop=self._stop)

    def _run(self, training: Training) -> None:
        began, kind = time.time(), training.of.partition("@")[0]
        begins = self._until - began > self._took.get(kind, 0.0)
        reason = self._reason_against(training) if begins else None
        with self._lock:
            if not begins:
                if training.of not in self._packed.left:
                    self._packed.left.append(training.of)
            elif reason:
                self._packed.failed.setdefault(training.of, reason)
            else:
                self._took[kind] = max(self._took.get(kind, 0.0), time.time() - began)
                self._count += 1
                did = "trained" if training.label else "trained and evaluated"
                self._say(f"{training.name}: {did} ({self._count} of {len(self._trainings)})")

    def _reason_against(self, training: Training) -> str | None:
        """Do one training; returns why it failed, as text: what was raised would hold its tensors on the GPU."""
        try:
            if training.label:
                gan.train_label(self._context(training.of), training.label)
            else:
                call(self._context(training.of))
                call(self._context(training.of, evaluate.STAGE))
            self._end(training)
        except UserError as error:
            return str(error)
        except torch.OutOfMemoryError:
            return _full(self._at_once)
        except Exception as error:
            return repr(error)
        return None

    def _end(self, training: Training) -> None:
        """Note a stage whose trainings have all ended; a family's makes its outs of its labels' checkpoints then."""
        with self._lock:
            self._open[training.of].discard(training.name)
            if self._open[training.of]:
                return
        done = [training.of]
        if training.label:
            call(self._context(training.of))
        else:
            done.append(training.of.replace(train.STAGE.name, evaluate.STAGE.name, 1))
        self._packed.done += done


def _full(at_once: int) -> str:
    """What to say when the GPU's memory doesn't suffice."""
    _, total = torch.cuda.mem_get_info()
    if at_once == 1:
        return f"the GPU's {total / 2**30:.0f} GiB don't hold one such training; lower its batch size or width"
    each = torch.cuda.max_memory_allocated() / at_once
    fits = max(1, min(at_once - 1, int(total // each)) if each else 1)
    return f"the GPU's {total / 2**30:.0f} GiB don't hold {at_once} such trainings; --pack {fits} would fit"
