"""A pipeline's GANs and trainings on other machines: what they need to travel, and where what comes back goes.

A GAN is trained there a label at a time, and comes back as a finished checkpoint, on which its stage goes on here. A
training comes back as the out of its stage, which DVC is told to take. What has arrived is kept until all of that is
done, so that a driver that is killed meanwhile has nothing trained twice.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ferlab.code.commit import read_commit
from ferlab.execution.dvc import Due, commit
from ferlab.execution.labels import labels_of
from ferlab.execution.locks import exclusive
from ferlab.execution.node import INFLIGHT
from ferlab.execution.task import Task, Words, resources
from ferlab.files import atomic_folder
from ferlab.params import Params
from ferlab.project import Project
from ferlab.records.ledger import Circumstances, note_of
from ferlab.records.run import FILE, RunRecord
from ferlab.stages.away import Elsewhere, given, resumed
from ferlab.stages.ledger import note_training
from ferlab.stages.table import find

LABEL = "--label"


class Returned:
    """The stages of one sitting that other machines work on.

    Attributes:
        again: names of those that had arrived when an earlier sitting was killed, and are done now.
    """

    def __init__(self, project: Project, params: Params) -> None:
        self.project, self.params, self.again = project, params, list[str]()

    def parts(self, words: Words, seconds: float) -> Mapping[str, Words]:
        """A family's GANs, each a label of its own."""
        if words[2] != "gan":
            return {}
        return {label: (*words, LABEL, label) for label in labels_of(words[3], self.params.data)}

    def travels(self, words: Words) -> bool:
        """Whether a stage is worked on elsewhere as a whole."""
        return words[2] == "train"

    def given(self) -> dict[str, Path]:
        """What each task is given beside its inputs, by its place."""
        root, home = self.project.root, self.project.home
        more = (root / "requirements.lock", self.project.reports(self.params.budget) / "ledger.jsonl")
        return given(self.project) | {str(path.relative_to(home)): path for path in more if path.is_file()}

    def ready(self, due: Due) -> Due:
        """Due tasks, those that travel with all that they need; without those that have arrived already."""
        tasks = [self._ready(task, task.name in due.to_pack) for task in due.tasks]
        kept = {task.name: self._kept(task) for task in tasks if not task.stays}
        for task in tasks:
            if task.name in kept and self._is_whole(task, kept[task.name]):
                self._lay(task, kept[task.name])
                self.again.append(task.name)
        return replace(due, tasks=tuple(task for task in tasks if task.name not in self.again))

    def _ready(self, task: Task, travels: bool) -> Task:
        if task.stays and not travels:
            return task
        if travels:
            arm, _, seed = task.name.removeprefix("train@").rpartition("-")
            task = replace(task, command=("ferlab", "stage", "train", arm, seed), stays=False)
        call = self._call(task.command)
        label = task.command[task.command.index(LABEL) + 1 :] if LABEL in task.command else ()
        state, identity = self.project.state, call.identity.name
        outs = (state.joinpath(INFLIGHT, identity, *label),) if label else (call.out("run"), note_of(state, identity))
        return replace(
            task,
            inputs=tuple(map(call.input, call.stage.inputs)),
            outs=outs,
            resumes=resumed(self.project, identity, *label),
            **resources(self.params),
        )

    def _call(self, words: Words) -> Elsewhere:
        stage = find(words[2])
        return Elsewhere(self.project, stage, dict(zip(stage.arguments, words[3:], strict=False)), self.params)

    def _kept(self, task: Task) -> Path:
        plain = task.name.translate(str.maketrans("@:", "--"))  # MLflow makes folders of what a URL has to quote
        return self.project.state / "arrived" / plain

    def _is_whole(self, task: Task, kept: Path) -> bool:
        """Whether what is kept of a task is what would be made now: the places of its outs have its identity."""
        return all((kept / out.relative_to(self.project.home)).exists() for out in task.outs)

    def __call__(self, task: Task, sent: Path) -> None:
        """Take what has come back of a task."""
        if not self._is_whole(task, sent):  # it failed
            self._adopt(sent)
            return
        kept = self._kept(task)
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(exist_ok=True)
        sent.rename(kept)
        self._lay(task, kept)

    def _lay(self, task: Task, kept: Path) -> None:
        """Lay a task's outs in their places, tell MLflow and DVC, and keep nothing more; all of it once or again."""
        self._adopt(kept)
        call = self._call(task.command)
        with exclusive(self.project, call.run_key, patience=-1):
            arrived = kept / task.outs[0].relative_to(self.project.home)
            task.outs[0].parent.mkdir(parents=True, exist_ok=True)
            with atomic_folder(task.outs[0]) as folder:
                shutil.copytree(arrived, folder, dirs_exist_ok=True)
            if task.command[2] == "train":
                self._note(call, kept)
                self._register(call)
                commit(self.project, [task.name])
        shutil.rmtree(kept)

    def _adopt(self, sent: Path) -> None:
        """Enter a node's MLflow runs here."""
        from ferlab.adapters.adopt import DATABASE, adopt

        if (sent / DATABASE).is_file():
            commit_here = read_commit(self.project)
            adopt(self.project, sent, {"commit": commit_here.commit, "dirty": commit_here.dirty})

    def _note(self, call: Elsewhere, kept: Path) -> None:
        """Note what a training ran with: the node's machine and libraries, the commit of this checkout."""
        identity, commit_here = call.identity.name, read_commit(self.project)
        place = note_of(self.project.state, identity).relative_to(self.project.home)
        ran_with = Circumstances.model_validate_json((kept / place).read_bytes())
        about = {
            "commit": commit_here.commit,
            "dirty": commit_here.dirty,
            "uncommitted": list(commit_here.uncommitted),
            "unknown_because": commit_here.reason,
        }
        note_training(self.project, identity, ran_with.model_copy(update=about))

    def _register(self, call: Elsewhere) -> None:
        """Log a training's classifier, if it is the arm's best."""
        from ferlab.adapters.models import best_of
        from ferlab.adapters.tracking import tracked

        record = RunRecord.read(call.out("run") / FILE)
        with tracked(
            self.project, "classifiers", call.key, identity=record.identity, params={}, tags={}, afterwards=True
        ) as run:
            run.model(
                best_of(self.params.budget, self.params.data.kind, record.arm), record.valid_accuracy, call.out("run")
            )


def back() -> tuple[str, ...]:
    """What comes back of each task, beside its outs."""
    from ferlab.adapters.adopt import ARTIFACTS, DATABASE

    return DATABASE, ARTIFACTS
