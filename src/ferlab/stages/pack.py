"""Several trainings, each with its evaluation, on threads of one process that share a GPU.

A training alone leaves most of a GPU idle, and processes beside each other take turns on it. Each training here is the
stages `train` and `evaluate` of one arm and seed, called as DVC would call them: with the same locks, identity,
checkpoint, MLflow run and outs. Its result doesn't depend on the pack.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import inf

import torch

from ferlab.errors import UserError
from ferlab.execution.threads import on_threads
from ferlab.params import Params
from ferlab.project import Project
from ferlab.records.plan import ArmPlan
from ferlab.stages import evaluate, train
from ferlab.stages.context import Context, call

Pair = tuple[str, str]
"""An arm and a seed."""


@dataclass
class Packed:
    """How a pack's trainings ended: names such as `resnet50-0`.

    Attributes:
        failed: name to reason.
        left: those that weren't begun, as the time wouldn't have sufficed.
    """

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def pack(
    project: Project,
    params: Params,
    pairs: Sequence[Pair],
    at_once: int,
    packed: Packed,
    say: Callable[[str], None],
    until: float = inf,
) -> None:
    """Train and evaluate arms, in their order and so many at once. One that fails takes no other with it.

    Trainings that want other settings of the whole process, such as deterministic kernels, come one group after the
    other.

    Args:
        packed: is told as trainings end.
        until: a reading of time.time(). No training is begun then, nor one before that would take until later, if it
            took as long as the longest so far.

    Raises:
        KeyboardInterrupt: the process was asked to stop. Each training under way has saved its state.
    """
    stop, took = threading.Event(), list[float]()

    def context(pair: Pair, stage: str) -> Context:
        declared = {"train": train.STAGE, "evaluate": evaluate.STAGE}[stage]
        return Context(project, declared, dict(zip(declared.arguments, pair, strict=True)), params, stop=stop)

    def run(pair: Pair) -> None:
        name, began = "-".join(pair), time.time()
        if until - began <= max(took, default=0.0):
            packed.left.append(name)
            return
        try:
            for stage in ("train", "evaluate"):
                call(context(pair, stage))
        except UserError as error:
            packed.failed[name] = str(error)
        except torch.OutOfMemoryError:
            packed.failed[name] = _full(at_once)
        except Exception as error:  # kept as text: what was raised would hold the training's tensors on the GPU
            packed.failed[name] = repr(error)
        if name in packed.failed:
            return
        took.append(time.time() - began)
        packed.done.append(name)
        say(f"{name}: trained and evaluated ({len(packed.done)} of {len(pairs)})")

    flags = {pair: _of_the_process(train.plan_of(context(pair, "train"))) for pair in pairs}
    for _, group in groupby(sorted(pairs, key=lambda pair: flags[pair]), key=lambda pair: flags[pair]):
        on_threads(run, list(group), at_once, stop)


def _of_the_process(plan: ArmPlan) -> tuple[bool, str]:
    """What a training sets for the whole process, and in words that can be sorted."""
    return bool(getattr(plan.settings, "deterministic", True)), plan.compute.model_dump_json()


def _full(at_once: int) -> str:
    """What to say when the GPU's memory doesn't suffice."""
    _, total = torch.cuda.mem_get_info()
    if at_once == 1:
        return f"the GPU's {total / 2**30:.0f} GiB don't hold one such training; lower its batch size or width"
    each = torch.cuda.max_memory_allocated() / at_once
    fits = max(1, min(at_once - 1, int(total // each)) if each else 1)
    return f"the GPU's {total / 2**30:.0f} GiB don't hold {at_once} such trainings; --pack {fits} would fit"
