"""What every stage is given, and the one way in which stages are run."""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import psutil
from filelock import FileLock, Timeout

from ferlab import params as schema
from ferlab.errors import UserError
from ferlab.files import sweep, write_json
from ferlab.project import Project
from ferlab.training.identity import Identity, changes, identify

if TYPE_CHECKING:  # imported late: half of the stages need no torch, which costs seconds
    from ferlab.training.checkpoint import Checkpoints

EVERY_EPOCH = "epochs"  # the folder of a run in which train leaves every epoch's weights for evaluate to pick from


@dataclass(frozen=True)
class Stage:
    """A stage's declaration. dvc.yaml says the same to DVC, and a test compares the two.

    `{name}` in keys, inputs and outs stands for an argument, `{budget}` for params.yaml's budget.

    Attributes:
        arguments: names of the command line's arguments, in order.
        keys: dotted keys of params.yaml; the stage sees no others.
        rooms: paths below src/ferlab whose code decides the result.
        inputs, outs: paths below the project's root.
        run: does the work.
        totals: keys that say how far to go, not what is done: after a change of them a stage goes on, not afresh.
    """

    name: str
    run: Callable[["Context"], None]
    keys: tuple[str, ...]
    rooms: tuple[str, ...]
    inputs: tuple[str, ...]
    outs: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """One call of a stage."""

    project: Project
    stage: Stage
    arguments: Mapping[str, str]
    params: schema.Params
    quiet: bool = False

    @property
    def slot(self) -> str:
        """A name for the place that this call fills, e.g. `train-resnet50-0`; no two calls may fill it at once."""
        return "-".join((self.stage.name, *self.arguments.values()))

    def _fill(self, template: str) -> str:
        return template.format(budget=self.params.budget, **self.arguments)

    @property
    def inputs(self) -> list[Path]:
        return [self.project.root / self._fill(path) for path in self.stage.inputs]

    @property
    def outs(self) -> list[Path]:
        return [self.project.root / self._fill(path) for path in self.stage.outs]

    def require_inputs(self) -> None:
        """Raise a UserError that names the first input that isn't there."""
        for path in self.inputs:
            if not path.exists() and path != self.project.data:  # prepare itself says how data/ is filled
                raise UserError(
                    f"{path.relative_to(self.project.root)} is missing",
                    where=f"an input of the stage {self.slot}",
                    next_step="`dvc repro` makes it; if that is what you typed, check the names in params.yaml: run",
                )

    def section(self, key: str) -> Any:
        """The checked value of one of the stage's own keys, given as the template that the stage declares."""
        assert key in self.stage.keys, f"{self.stage.name} doesn't declare {key}"
        return self.params.section(self._fill(key))

    @cached_property
    def device(self) -> str:
        from ferlab.training.seeding import resolve_device

        return resolve_device(self.params.compute.device)

    @cached_property
    def identity(self) -> Identity:
        """The name of this call's result. Made once: hashing the inputs costs some tenths of a second."""
        keys = sorted(self._fill(key) for key in self.stage.keys)
        return identify(
            stage=self.stage.name,
            arguments=self.arguments,
            params={key: self._without_totals(key) for key in keys},
            inputs={self._fill(p): path for p, path in zip(self.stage.inputs, self.inputs, strict=True)},
            rooms=(f"stages/{self.stage.name}.py", *self.stage.rooms),
            device=self.device,
        )

    def _without_totals(self, key: str) -> Any:
        value = self.params.plain(key)
        gone = {total.removeprefix(f"{key}.") for total in self.stage.totals}
        return {name: part for name, part in value.items() if name not in gone} if gone else value

    @property
    def checkpoints(self) -> "Checkpoints":
        from ferlab.training.checkpoint import Checkpoints

        folder = self.project.state / "inflight" / self.identity.name
        return Checkpoints(folder, self.params.runtime.checkpoint_seconds)

    def say(self, text: str) -> None:
        """One plain line for the person who watches."""
        if not self.quiet:
            print(f"{self.slot}: {text}", file=sys.stderr, flush=True)

    def start_training(self) -> None:
        """Say whether this goes on, starts afresh, and why; from then on the place belongs to this identity."""
        last = self.project.state / "last" / f"{self.slot}.json"
        before = json.loads(last.read_text()) if last.exists() else None
        if self.checkpoints.folder.exists():
            self.say(f"going on from the checkpoint of {self.identity.name}")
        elif before is not None and (differences := changes(before, self.identity.manifest)):
            self.say("starting afresh, because this changed: " + "; ".join(differences))
        write_json(last, self.identity.manifest)
        write_json(self.checkpoints.folder / "slot.json", {"slot": self.slot, "finished": False})

    def end_training(self) -> None:
        """Keep this checkpoint until the place's next result, for a caller that died before noting the outs."""
        from ferlab.training.checkpoint import Checkpoints

        write_json(self.checkpoints.folder / "slot.json", {"slot": self.slot, "finished": True})
        for record in (self.project.state / "inflight").glob("*/slot.json"):
            if record.parent != self.checkpoints.folder and json.loads(record.read_text()) == {
                "slot": self.slot,
                "finished": True,
            }:
                Checkpoints(record.parent, 0).clear()


@contextmanager
def exclusive(project: Project, slot: str) -> Iterator[None]:
    """Hold the lock of a slot; the kernel frees it when the process dies, however it dies.

    Raises:
        UserError: another process holds it; it is named.
    """
    path = project.state / "locks" / f"{slot}.lock"
    owner = path.with_suffix(".owner.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = json.loads(owner.read_text())["pid"] if owner.exists() else None
        command = " ".join(psutil.Process(pid).cmdline()) if pid and psutil.pid_exists(pid) else "unknown"
        raise UserError(
            f"process {pid} is still at work on {slot} ({command})",
            where=str(path),
            next_step=f"wait until it ends, or stop it: kill {pid}",
        ) from None
    try:
        write_json(owner, {"pid": psutil.Process().pid})
        yield
    finally:
        lock.release()


def run_stage(project: Project, stage: Stage, arguments: list[str], quiet: bool = False) -> None:
    """Run one stage: parse, check, lock, work.

    Raises:
        UserError: another number of arguments, bad parameters, or a second process on the same place.
    """
    if len(arguments) != len(stage.arguments):
        wanted = " ".join(stage.arguments).upper() or "no arguments"
        raise UserError(f"the stage {stage.name} takes {wanted}, not {' '.join(arguments) or 'nothing'}")
    named = dict(zip(stage.arguments, arguments, strict=True))
    if not named.get("seed", "0").isdecimal():
        raise UserError(f"a seed is a whole number from 0 up, not '{named['seed']}'", where=f"the stage {stage.name}")
    context = Context(
        project,
        stage,
        named,
        schema.load(project.params),
        quiet,
    )
    with exclusive(project, context.slot):
        signal.signal(signal.SIGTERM, stop)
        for path in context.outs:
            sweep(path)
        context.require_inputs()
        try:
            stage.run(context)
        except KeyError as error:
            if error.args and error.args[0] in arguments:
                raise UserError(f"params.yaml defines nothing called {error}", where=f"stage {stage.name}") from error
            raise


def stop(number: int, frame: FrameType | None) -> None:
    """Turn SIGTERM into the exception that Ctrl-C raises, so that runs are marked KILLED and files are swept."""
    raise KeyboardInterrupt
