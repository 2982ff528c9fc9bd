"""One sitting of `ferlab reproduce`: rounds of due stages, and what is said of them."""

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ferlab.classifiers.catalogue import packs
from ferlab.cli.heartbeat import Heartbeats, told
from ferlab.cli.progress import duration
from ferlab.execution.cost import expected
from ferlab.execution.dvc import Due, Parts, due_tasks, how
from ferlab.execution.dvc_errors import explain, lock_holder
from ferlab.execution.forecast import makespan
from ferlab.execution.killed import Killed, was_killed
from ferlab.execution.labels import labels_apart
from ferlab.execution.local import GRACE, Local
from ferlab.execution.packs import PACK, noted, packed
from ferlab.execution.task import Event, Executor, Outcome, Task, Words
from ferlab.files import must_be_writable

if TYPE_CHECKING:
    from ferlab.params import Params
    from ferlab.project import Project
    from ferlab.stages.returned import Returned

LESS_MEMORY = "--jobs 1 needs less; the same command continues"


class Sitting:
    """Runs what is due of a pipeline until it is done, or the time is up.

    Args:
        jobs: tasks side by side.
        deadline: a reading of time.monotonic().
        pack: trainings of networks and GANs side by side in one task; 0: each is a task of its own.
        executor: what runs tasks; default: this machine.
        away: what of them other machines do.

    Attributes:
        stages: how many were due, as far as it was known last; those that have ended are counted.
    """

    def __init__(
        self,
        project: "Project",
        params: "Params",
        jobs: int,
        deadline: float,
        *,
        pack: int = 0,
        quiet: bool,
        executor: Executor | None = None,
        away: "Returned | None" = None,
    ) -> None:
        self._executor, self._away = executor or Local(project.state, jobs), away
        self.project, self.params, self.jobs, self.deadline, self.pack = project, params, jobs, deadline, pack
        self.stages, self._quiet, self._began = 0, quiet, time.monotonic()
        self._outcome, self._parts, self._ended = Outcome(), set[str](), set[str]()
        self._killed = Killed(LESS_MEMORY)
        self._open, self._running, self._beats = dict[str, Task](), dict[str, float](), Heartbeats()

    def run(self) -> Outcome:
        """Ask DVC what is due and run it; again, while it can't be known before some of it has run."""
        logs = self.project.state / "logs"
        seconds = expected(self.project, self.params)
        self.say(f"asking DVC what is due in the {self.params.budget} budget")
        more = True
        while more:
            due = due_tasks(self.project, seconds, self._apart(), self.params.compute.threads, self._can_be_packed)
            if due.stages:
                must_be_writable(self.project.reports(self.params.budget))
            due = self._ready(due)
            before, self.stages = self.stages, len(self._outcome.done) + due.stages
            self._open = {task.name: task for task in (*due.tasks, *due.later)}
            if self.stages != before:
                most = f"{due.stages} stages at most, {self._left()}; {logs}/ has what each prints"
                self.say(most if due.stages else "nothing is due")
            self._parts |= {task.name for task in due.tasks if ":" in task.name or task.name == PACK}
            noted(self.project)  # of a sitting that was killed before it read this
            found = self._executor.run(due.tasks, self._tell, self.deadline)
            pack = noted(self.project)
            done = [name for name in found.done if name not in self._parts] + pack.done
            self._outcome.done += done
            self._ended |= set(done)
            failed = [name.partition(":")[0] for name in found.failed if name != PACK or not pack.failed]
            failed += pack.failed  # a part's failure is its stage's, and a pack's that of its trainings
            self._outcome.failed += dict.fromkeys(failed)
            more = due.more and len(found.done) == len(due.tasks) and not pack.left
        return self._outcome

    def _ready(self, due: Due) -> Due:
        """Due tasks as they are run: some packed, or done elsewhere."""
        if self._away is None:
            return packed(due, self.pack, time.time() + self.deadline - time.monotonic())
        ready = self._away.ready(due)
        left = {task.name for task in ready.tasks}
        done = [task.name for task in due.tasks if task.name not in left and ":" not in task.name]
        self._outcome.done += done
        self._ended |= set(done)
        return replace(ready, stages=due.stages - len(done))

    def _can_be_packed(self, words: Words) -> bool:
        if self._away:
            return self._away.travels(words)
        if self.pack and words[2] == "train":
            return packs(self.params.classifiers[self.params.arms[words[3]].classifier])
        return bool(self.pack) and words[2] == "gan"

    def _apart(self) -> Parts:
        """On a GPU a label's GAN is trained sooner than another process would have started; a pack has its own way."""
        if self._away:
            return self._away.parts
        alone = self.pack or self.params.compute.device == "cuda"
        return labels_apart(1 if alone else self.jobs, self.params.data)

    def _left(self) -> str:
        """How long all of it will take from now on."""
        now = time.monotonic()
        running = {name: max(0.0, end - now) for name, end in self._running.items()}
        return f"about {duration(makespan(self._open.values(), self.jobs, running))} for all that is left"

    def say(self, text: str) -> None:
        """One line with the time since the start."""
        if not self._quiet:
            minutes, rest = divmod(int(time.monotonic() - self._began), 60)
            print(f"{minutes:3d}:{rest:02d}  {text}", file=sys.stderr, flush=True)

    def _tell(self, event: Event) -> None:
        name, log = event.task.name, event.task.log
        if event.kind not in ("started", "silent", "printed", "running", "stopping"):
            self._open.pop(name, None)
            self._running.pop(name, None)
        match event.kind:
            case "started":
                self._beats.started(event)
                self._running[name] = time.monotonic() + event.task.seconds
                self.say(f"{name}: started")
            case "printed" if name == PACK:
                self.say(f"{name}: {event.text}")
            case "printed":
                if reached := self._beats.of(event):
                    if reached.left is not None and name.startswith("train@"):  # others go on after this part
                        self._running[name] = time.monotonic() + reached.left
                    self.say(f"{name}: {told(reached, name)}; {self._left()}")
            case "running":
                if self._beats.is_quiet(event):
                    self.say(f"{name}: running for {duration(event.seconds)}; {self._left()}")
            case "silent":
                if holder := lock_holder(self.project.root):
                    self.say(f"{name}: waits for DVC's lock, which {holder} holds")
            case "done":
                done = how(event.text) if name not in self._parts else "done"
                self._ended |= {name} - self._parts
                left = f"; {self._left()}" if self._open else ""
                self.say(f"{name}: {done} in {event.seconds:.0f} s ({len(self._ended)} of {self.stages}{left})")
            case "failed":
                self.say(f"{name}: failed after {event.seconds:.0f} s; the end of its log, {log}:")
                words = explain(self.project.root, event.text)
                self.say("\n".join(f"  {line}" for line in words.splitlines()))
                if was_killed(event):
                    self.say(f"{name}: {self._killed}")
            case "stopping":
                self.say(f"{name}: asked to stop; it first keeps what it has reached, for {GRACE:.0f} s at most")
            case "stopped":
                self.say(f"{name}: stopped")
            case "killed":
                self.say(f"{name}: killed, as it didn't stop within {GRACE:.0f} s")
