"""MLflow: one run an identity, taken up again after a kill, with one value a step.

A file that fails is an error. A server that falls silent is none: the run goes on, and an outbox keeps what the server
couldn't be told.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from ferlab.adapters.known import Known, keep, kept
from ferlab.adapters.outbox import Outbox
from ferlab.adapters.owners import source_tags
from ferlab.adapters.store import briefly, connect, is_away, is_missed
from ferlab.adapters.store_run import BATCH, DVC_EXPERIMENT, Ending, Opening, StoreRun, Teller, open_run
from ferlab.errors import UserError, masked
from ferlab.project import Project
from ferlab.training.observe import Pruned

PRUNED = "ferlab.pruned"


@dataclass
class TrackedRun:
    """An open run. Values are held back until `flush`, so that a call of the observer costs nothing.

    Attributes:
        told: where it is kept: its store, or its outbox from when the store was first found away.
        known: the run as it is, for whoever asks while the store is away.
        later: turns to the outbox, given why; None where the store is a file, which is never away.
        afterwards: whether something is added to a run whose work is done.
    """

    told: Teller
    known: Known
    later: Callable[[BaseException], Teller] | None
    afterwards: bool = False
    began: float = field(default_factory=time.monotonic)
    waiting: list[Metric] = field(default_factory=list)

    @property
    def id(self) -> str:
        """MLflow's; "" where its server has been away from the start."""
        return self.known.run

    def _tell(self, call: Callable[[Teller], None]) -> None:
        try:
            call(self.told)
        except Exception as error:
            if self.later is None or not isinstance(self.told, StoreRun) or not is_away(error):
                raise
            self.told = self.later(error)
            call(self.told)

    def observe(self, step: int, values: Mapping[str, float]) -> None:
        """An observer: keeps each value once a step."""
        now = int(time.time() * 1000)
        self.waiting += [Metric(name, value, now, step) for name, value in values.items() if name != "epoch"]
        if len(self.waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        batch, self.waiting = self.waiting, []
        if batch:
            self._tell(lambda told: told.metrics(batch))

    def end(self, status: str, text: str = "", tags: Mapping[str, str] | None = None) -> None:
        """Send what waits and end the run; `text` is a traceback."""
        worked = None if self.afterwards else time.monotonic() - self.began
        ending = Ending(id=uuid4().hex, status=status, at=int(time.time() * 1000), worked=worked, tags=dict(tags or {}))
        try:
            self.flush()
            if text:
                self.text(text, "traceback.txt")
        finally:
            self._tell(lambda told: told.end(ending))
        ended = self.known.ended if self.afterwards else ending.at
        self.known = self.known.model_copy(update={"status": status, "ended": ended})

    def figures(self, values: Mapping[str, float]) -> None:
        """Log values of the run as a whole: a known one isn't repeated, a changed one is logged a step later."""
        self._tell(lambda told: told.figures(values))

    def text(self, content: str, name: str) -> None:
        """Keep a text as an artifact of this name."""
        self._tell(lambda told: told.text(content, name))

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Copy a file or a folder's files into the run's artifacts."""
        self._tell(lambda told: told.artifact(path, folder))

    def model(self, arm_tag: str, valid_accuracy: float, folder: Path) -> None:
        """Log the classifier in `folder`, if no earlier run of the arm is better (`models.log_if_best`)."""
        self._tell(lambda told: told.model(arm_tag, valid_accuracy, folder))


@contextmanager
def tracked(
    project: Project,
    experiment: str,
    name: str,
    *,
    identity: str,
    params: Mapping[str, Any],
    tags: Mapping[str, str],
    datasets: Sequence[tuple[str, str, str]] = (),
    parent: str | None = None,
    afterwards: bool = False,
) -> Iterator[TrackedRun]:
    """Open the run of an identity: a new one, or the very one that was cut off or has to be repeated.

    The caller must hold the lock of the run key `name`: this project's runs of the same key that still look RUNNING are
    then known to be dead, and are marked KILLED. Those of another machine or folder are left alone.

    Args:
        params: dotted keys and values.
        datasets: (name, context such as `training`, content hash).
        afterwards: whether something is added to a run whose work is done, which costs it no time.

    The run ends FINISHED, tagged `ferlab.pruned` if it was pruned; after an error FAILED with the traceback as an
    artifact; after Ctrl-C or SIGTERM KILLED. MLflow's duration is the time worked on it, without what lies between.

    A server that has answered this project before and is away costs nothing but time: what it couldn't be told is kept
    (`outbox`), and `telling.tell` tells it.

    Raises:
        UserError: the store can't be reached at first, or it refuses something.
    """
    every_tag = {**source_tags(tags), **tags}
    every_tag |= {MLFLOW_PARENT_RUN_ID: parent} if parent else {}
    every_tag |= {DVC_EXPERIMENT: os.environ["DVC_EXP_NAME"]} if os.environ.get("DVC_EXP_NAME") else {}
    opening = Opening(
        experiment=experiment,
        name=name,
        identity=identity,
        params={key: str(value) for key, value in params.items()},
        tags=every_tag,
        datasets=list(datasets),
        began=int(time.time() * 1000),
    )
    with ExitStack() as held:
        try:
            run = _open(project, opening, held, afterwards=afterwards)
        except MlflowException as error:
            raise _failed(project, name, error) from error
        try:
            yield run
            run.flush()
            run.end("FINISHED")
        except Pruned:
            run.end("FINISHED", tags={PRUNED: "true"})
            raise
        except MlflowException as error:
            with briefly(), suppress(MlflowException):  # the store may be back, or have refused this one call
                run.end("FAILED", masked(traceback.format_exc()))
            raise _failed(project, name, error) from error
        except Exception:
            run.end("FAILED", masked(traceback.format_exc()))
            raise
        except BaseException:
            with briefly() if run.later else nullcontext():  # whoever stops it doesn't want to wait
                run.end("KILLED")
            raise
        finally:
            if run.later:
                keep(project, experiment, identity, run.known)


def _failed(project: Project, name: str, error: MlflowException) -> UserError:
    return UserError(
        f"the tracking store failed at the run {name}: {error.message}",
        where=project.tracking_uri,
        next_step="once it answers (`ferlab doctor`), the same command continues from the last checkpoint",
    )


def _open(project: Project, opening: Opening, held: ExitStack, *, afterwards: bool) -> TrackedRun:
    """Open a run at its store; at its outbox where the store is away, or hasn't been told yet what lies there."""
    if project.tracking_file:
        run = _at_store(project, opening)
        return TrackedRun(run, Known.of(run.run), None, afterwards)
    outbox = Outbox.of(project, opening.experiment, opening.identity)
    held.enter_context(outbox.lock)  # whoever tells it now is waited for
    known = kept(project, opening.experiment, opening.identity)

    def later(why: BaseException) -> Outbox:
        said = masked(str(why)).splitlines()[0]
        print(f"note: {opening.name} goes on without its tracking store, to be told later: {said}", file=sys.stderr)
        return outbox.open(project, opening)

    told: Teller
    if outbox.exists:
        told = outbox.open(project, opening)
    else:
        try:
            told = _at_store(project, opening)
            known = Known.of(told.run)
        except Exception as error:
            if not is_missed(project, error):
                raise
            told = later(error)
    known = known or Known(run="", status="RUNNING", began=opening.began, ended=None)
    keep(project, opening.experiment, opening.identity, known.model_copy(update={"status": "RUNNING"}))
    return TrackedRun(told, known, later, afterwards)


def _at_store(project: Project, opening: Opening) -> StoreRun:
    return open_run(project, connect(project), opening)
