"""What every stage is given, and the one way in which stages are run."""

import json
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferlab import params as schema
from ferlab.code.own import code_of_family
from ferlab.code.source import room_hash
from ferlab.errors import UserError
from ferlab.execution.locks import exclusive
from ferlab.execution.signals import stop_on_signals
from ferlab.files import content_hash, sweep, write_json
from ferlab.project import Project
from ferlab.training.identity import Identity, changes, identify
from ferlab.training.observe import Observer, Progress, ignore, unseen

if TYPE_CHECKING:  # imported late: half of the stages need no torch, which costs seconds
    from ferlab.training.checkpoint import Checkpoints

EVERY_EPOCH = "epochs"  # the folder of a run in which train leaves every epoch's weights for evaluate to pick from


@dataclass(frozen=True)
class Stage:
    """A stage's declaration. dvc.yaml says the same to DVC, and a test compares the two.

    `{name}` in keys, inputs and outs stands for an argument, `{budget}` for params.yaml's budget, `{source}` for the
    images that the argument `arm` adds.

    Attributes:
        arguments: names of the command line's arguments, in order.
        keys: dotted keys of params.yaml; the stage sees no others.
        rooms: paths below src/ferlab whose code decides the result.
        inputs, outs: paths below the project's root, by the names that `run` calls them.
        run: does the work.
        told_code: whether its inputs hold the hash of its classifier's code, which then needn't be among `rooms`.
        told_keys: keys whose values its inputs hold, which then needn't be among `keys`.
        identify: of a stage whose result isn't named by the above alone: what names it.
        run_part: does one part of the work ahead of `run`, which then finds it done.
        totals: keys that say how far to go, not what is done: after a change of them a stage goes on, not afresh.
    """

    name: str
    run: Callable[["Context"], None]
    keys: tuple[str, ...]
    rooms: tuple[str, ...]
    inputs: Mapping[str, str]
    outs: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()
    told_code: bool = False
    told_keys: tuple[str, ...] = ()
    identify: "Callable[[Context], Identity] | None" = None
    run_part: "Callable[[Context, str], None] | None" = None


@dataclass(frozen=True)
class Context:
    """One call of a stage.

    Attributes:
        observe, progress: see what a training's loop says, beside MLflow, and show a person how far it is.
        parent: the MLflow run that this call's run belongs to, if any.
        stop: set when trainings on threads of this process are to end.
    """

    project: Project
    stage: Stage
    arguments: Mapping[str, str]
    params: schema.Params
    quiet: bool = False
    observe: Observer = ignore
    progress: Progress = unseen
    parent: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def key(self) -> str:
        """What the arguments name, e.g. `resnet50-0`, and the variant if this is one: `resnet50-0@3f2a…`."""
        return "@".join(filter(None, ("-".join(self.arguments.values()), self.project.variant)))

    @property
    def run_key(self) -> str:
        """The name of this call's one result, e.g. `train-resnet50-0`; no two processes may work on it at once."""
        return "-".join(filter(None, (self.stage.name, self.key)))

    @property
    def patience(self) -> float:
        """Seconds to wait for another process in this place; of a variant, which two questions may need, any number."""
        return -1 if self.project.variant else 0

    def _fill(self, template: str) -> str:
        source = self.params.run.arms.get(self.arguments.get("arm", ""))
        return template.format(budget=self.params.budget, source=source, **self.arguments)

    def input(self, name: str) -> Path:
        """The path of a declared input."""
        return self.project.root / self._fill(self.stage.inputs[name])

    def out(self, name: str) -> Path:
        """The path of a declared out."""
        return self.project.root / self._fill(self.stage.outs[name])

    def require_inputs(self) -> None:
        """Raise a UserError that names the first input that isn't there."""
        for name in self.stage.inputs:
            path = self.input(name)
            if not path.exists() and path != self.project.data:  # prepare itself says how data/ is filled
                raise UserError(
                    f"{path.relative_to(self.project.root)} is missing",
                    where=f"an input of the stage {self.run_key}",
                    next_step="`dvc repro` makes it; if that is what you typed, check the names in params.yaml: run",
                )

    def section(self, key: str) -> Any:
        """The checked value of one of the stage's own keys, given as the template that the stage declares."""
        assert key in (*self.stage.keys, *self.stage.told_keys), f"{self.stage.name} doesn't declare {key}"
        return self.params.section(self._fill(key))

    @cached_property
    def device(self) -> str:
        if self.params.compute.device == "cpu":  # so that whoever only plans needs no torch
            return "cpu"
        from ferlab.training.seeding import resolve_device

        return resolve_device(self.params.compute.device)

    @cached_property
    def identity(self) -> Identity:
        """The name of this call's result. Made once: hashing the inputs costs some tenths of a second."""
        if self.stage.identify:
            return self.stage.identify(self)
        return identify(
            stage=self.stage.name,
            arguments=self.arguments,
            params={key: self._without_totals(key) for key in sorted(map(self._fill, self.stage.keys))},
            inputs={self._fill(path): content_hash(self.input(name)) for name, path in self.stage.inputs.items()},
            code={room: room_hash(room) for room in (f"stages/{self.stage.name}.py", *self.stage.rooms)}
            | (code_of_family(self.arguments["family"]) if "family" in self.arguments else {}),
            device=self.device,
        )

    def _without_totals(self, key: str) -> Any:
        value = self.params.plain(key)
        gone = {total.removeprefix(f"{key}.") for total in self.stage.totals}
        return {name: part for name, part in value.items() if name not in gone} if gone else value

    @property
    def checkpoints(self) -> "Checkpoints":
        from ferlab.execution.away import checkpoints_of

        inflight = self.project.state / "inflight"
        return checkpoints_of(inflight / self.identity.name, self.params.runtime.checkpoint_seconds, self.stop)

    def say(self, text: str) -> None:
        """One plain line for the person who watches."""
        if not self.quiet:
            print(f"{self.run_key}: {text}", file=sys.stderr, flush=True)

    def start_training(self) -> None:
        """Say whether this goes on, starts afresh, and why; from then on the run key belongs to this identity."""
        last = self.project.state / "last" / f"{self.run_key}.json"
        before = json.loads(last.read_text()) if last.exists() else None
        if any(self.checkpoints.folder.rglob("*.safetensors")):  # the folder alone may be of one that saved nothing
            self.say(f"going on from the checkpoint of {self.identity.name}")
        elif before is not None and (differences := changes(before, self.identity.manifest)):
            self.say("starting afresh, because this changed: " + "; ".join(differences))
        write_json(last, self.identity.manifest)
        self._mark_checkpoint(finished=False)

    def end_training(self) -> None:
        """Keep this checkpoint until the run key's next result, for a caller that died before noting the outs."""
        from ferlab.training.checkpoint import Checkpoints

        finished = self._mark_checkpoint(finished=True)
        for path in (self.project.state / "inflight").glob("*/slot.json"):
            if path.parent != self.checkpoints.folder and json.loads(path.read_text()) == finished:
                Checkpoints(path.parent, 0).clear()

    def _mark_checkpoint(self, *, finished: bool) -> dict[str, Any]:
        """Say in the checkpoint's folder whose it is; "slot" is what checkpoints in flight call a run key."""
        mark = {"slot": self.run_key, "finished": finished}
        write_json(self.checkpoints.folder / "slot.json", mark)
        return mark


def run_stage(
    project: Project,
    stage: Stage,
    arguments: list[str],
    *,
    quiet: bool = False,
    progress: Progress = unseen,
    part: str | None = None,
) -> None:
    """Run one stage: parse, check, lock, work.

    Args:
        part: of a stage whose work has parts that can be done side by side ahead of it: do this one alone.

    Raises:
        UserError: another number of arguments, bad parameters, or a second process with the same run key.
    """
    if len(arguments) != len(stage.arguments):
        wanted = " ".join(stage.arguments).upper() or "no arguments"
        raise UserError(f"the stage {stage.name} takes {wanted}, not {' '.join(arguments) or 'nothing'}")
    named = dict(zip(stage.arguments, arguments, strict=True))
    params = schema.load(project.params)
    known: dict[str, Mapping[str, Any]] = {
        "family": params.gan.families,
        "classifier": params.classifiers,
        "arm": params.arms,
        "set": dict.fromkeys(params.data.all),
    }
    for argument, value in named.items():
        if argument in known and value not in known[argument]:
            raise UserError(
                f"params.yaml defines no {argument} called '{value}'",
                where=f"the stage {stage.name}",
                next_step=f"it defines {', '.join(known[argument])}",
            )
        if argument not in known and not value.isdecimal():
            raise UserError(f"a {argument} is a whole number from 0 up, not '{value}'", where=f"the stage {stage.name}")
    stop_on_signals()
    context = Context(project, stage, named, params, quiet, progress=progress)
    if part is None:
        call(context)
    else:
        assert stage.run_part, stage.name
        context.require_inputs()
        stage.run_part(context, part)


def call(context: Context) -> None:
    """Do the work of one call, alone under its run key.

    Raises:
        UserError: an input is missing, or another process works under this run key.
    """
    with exclusive(context.project, context.run_key, context.patience):
        for name in context.stage.outs:
            sweep(context.out(name))
        context.require_inputs()
        context.stage.run(context)
