"""Trials of a search on other machines. The study stays with the driver, which asks, tells and prunes.

A trial is trained there by the code that trains it here, and prints what the driver's observer is then told. Each line
has all epochs so far, so that none is missed, whichever lines arrive.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ferlab.adapters.study import Storage
from ferlab.adapters.tracking import tracked
from ferlab.adapters.tuning import TrialRow
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.execution.task import Event, Executor, Task, resources
from ferlab.execution.threads import on_threads
from ferlab.params import Scalar, with_values
from ferlab.stages import tune
from ferlab.stages.away import resumed
from ferlab.stages.context import Context
from ferlab.training.identity import flatten
from ferlab.training.observe import Observer, Pruned, all_of

COMMAND = "trial"  # of ferlab, that a node runs
MARK = "reached: "  # begins a line that says how far a trial is


class LostError(Exception):
    """A trial couldn't be run. That says nothing of its settings, so that it isn't told to the study."""


@dataclass(frozen=True)
class AwayBench(tune.Bench):
    """A bench whose trials an executor trains on other machines; MLflow is told here, as they go.

    Attributes:
        store: the URL of the store of checkpoints in flight, if there is one.
        say: tells a person which trials begin and end.
    """

    executor: Executor
    store: str | None
    say: Callable[[str], None]

    def fit(self, name: str, values: dict[str, Scalar], epochs: int, train: ImageSet, observe: Observer) -> float:
        """Have a trial trained once; returns its best validation accuracy (0-1).

        Raises:
            UserError: what the training raised there.
            LostError: its machine couldn't run it.
        """
        context, title = self.context, f"{self.study}-{name}"
        settings = with_values(context.section("classifiers.{classifier}"), values).model_copy(
            update={"epochs": epochs}
        )
        with (
            tracked(
                context.project,
                tune.EXPERIMENT,
                title,
                identity=f"{context.identity.name}-{name}-{epochs}",
                params=flatten(settings.model_dump()) | {"images": len(train)},
                tags=tune._tags(context) | {"trial": name},
                parent=self.parent,
            ) as run,
            context.progress(title, epochs) as progress,
        ):
            accuracy = self._have_trained(name, values, epochs, all_of(run.observe, progress, observe))
            run.figures({"best_valid_accuracy": accuracy})
        return accuracy

    def _have_trained(self, name: str, values: dict[str, Scalar], epochs: int, observe: Observer) -> float:
        context, title, heard = self.context, f"{self.study}-{name}", _Heard(observe)
        place = context.identity.name, f"{name}-{epochs}"
        task = Task(
            name=title,
            command=("ferlab", COMMAND, context.arguments["classifier"], name, json.dumps(values)),
            folder=context.project.root,
            log=context.project.state / "logs" / f"{title}.log",
            inputs=tuple(map(context.input, context.stage.inputs)),
            resumes=resumed(context.project, *place),
            **resources(context.params),
        )
        self.say(f"trial {name}: sent")
        try:
            outcome = self.executor.run([task], heard)
        except Pruned:
            self.say(f"trial {name}: stopped early")
            context.checkpoints.child(place[1]).clear()
            if self.store:
                from ferlab.execution.away import forget  # late, as Ray's other users do

                forget("/".join((self.store.rstrip("/"), *place)))
            raise
        if outcome.stopped or outcome.left:
            raise KeyboardInterrupt
        if heard.error is None and heard.accuracy is None:
            raise LostError(f"{title}: {heard.last_words} (more in {task.log})")
        context.checkpoints.child(place[1]).clear()
        self.say(f"trial {name}: {heard.error or f'{heard.accuracy:.4f}'}")
        if heard.error is not None:
            raise UserError(heard.error)
        assert heard.accuracy is not None
        return heard.accuracy


@dataclass
class _Heard:
    """What an executor's events say of a trial; epochs are told to an observer, once each and in order."""

    observe: Observer
    epochs: int = 0
    accuracy: float | None = None
    error: str | None = None
    last_words: str = ""

    def __call__(self, event: Event) -> None:
        if event.kind == "failed":
            self.last_words = event.text.rpartition("\n")[2]
        if event.kind not in ("printed", "done"):
            return
        lines = [line for line in event.text.splitlines() if line.startswith(MARK)]
        for line in lines[-1:]:
            said = json.loads(line.removeprefix(MARK))
            for step, values in said["epochs"][self.epochs :]:
                self.epochs += 1
                self.observe(step, values)
            self.accuracy, self.error = said["accuracy"], said["error"]


def search(
    at: tune.Bench, storage: Storage, jobs: int, executor: Executor, stop: threading.Event, store: str | None
) -> list[TrialRow]:
    """The study's trials, run to their total elsewhere, so many at once.

    Args:
        at: a bench of a context that is `Elsewhere`.
        stop: the executor's; set when this process is asked to stop.
        store: the URL of the store of checkpoints in flight, if there is one.

    Raises:
        UserError: see `tuning.search`; or a trial was lost, which the next search takes up again.
    """
    ours = replace(at.context, quiet=True)  # else our own workers are said to be at work
    away = AwayBench(**vars(at) | {"context": ours}, executor=executor, store=store, say=at.context.say)
    workers = on_threads(lambda _: tune.search_on(away, storage, wait=False), range(jobs), jobs, stop)
    try:
        for worker in workers.values():
            worker.result()
    except LostError as lost:
        raise UserError(str(lost), where="a trial on the cluster", next_step="the same command goes on") from None
    return tune.search_on(at, storage, wait=False)


def run(context: Context, name: str, values: dict[str, Scalar]) -> None:
    """What a node does: train one trial and print what the driver is to hear. Its MLflow run stays behind."""
    epochs = list[tuple[int, Mapping[str, float]]]()

    def say(accuracy: float | None = None, error: str | None = None) -> None:
        said = {"epochs": epochs, "accuracy": accuracy, "error": error}
        print(MARK + json.dumps(said, default=float), flush=True)

    def observe(step: int, reached: Mapping[str, float]) -> None:
        epochs.append((step, dict(reached)))
        say()

    with tune.bench(context, tune.storage_of(context), tune.study_name(context)) as at:
        try:
            accuracy = at.fit(name, values, context.section("tune").epochs, at.part, observe)
        except UserError as error:  # such as a loss that is no longer finite: an answer too
            say(error=error.what)
        else:
            say(accuracy)
