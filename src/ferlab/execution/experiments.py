"""DVC's own experiments: changed parameters are put into DVC's queue, and run from it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferlab.code.commit import read_commit
from ferlab.errors import UserError
from ferlab.execution.dvc_errors import dvc_errors
from ferlab.files import canonical_json
from ferlab.project import Project


@dataclass(frozen=True)
class Experiment:
    """What one experiment changes: dotted keys of params.yaml to values."""

    name: str
    changes: Mapping[str, Any]


def known(project: Project) -> dict[str, str]:
    """The experiments on the commit that is checked out, by name: "done" if they ended well, "waiting" till then.

    Raises:
        UserError: git knows no commit, or something of the project isn't committed: an experiment stands on a commit.
    """
    commit = read_commit(project)
    if commit.reason:
        raise UserError(f"experiments stand on a commit, and {commit.reason}", next_step=commit.mend)
    if commit.uncommitted:
        raise UserError(
            f"experiments stand on a commit, and none holds {', '.join(commit.uncommitted)} as it is",
            where=str(project.root),
            next_step="commit it first",
        )
    with _repo(project) as repo:
        waiting = [entry.name for entry in _waiting(repo) if entry.baseline_rev == commit.commit]
        done = [name for name, _ in repo.experiments.ls().get(commit.commit, [])]
    return dict.fromkeys(waiting, "waiting") | dict.fromkeys(done, "done")


def run(project: Project, experiments: Sequence[Experiment], jobs: int) -> dict[str, str]:
    """Queue experiments, unless they wait there already, and run the queue to its end, `jobs` side by side.

    DVC's workers run whatever else waits in the queue too, and go on after Ctrl-C.

    Returns:
        Name to why it failed, of those that did.
    """
    waiting, names = known(project), {one.name for one in experiments}
    with _repo(project) as repo:
        for one in experiments:
            if one.name not in waiting:
                words = [f"++{key}={canonical_json(value)}" for key, value in one.changes.items()]
                repo.experiments.run(queue=True, name=one.name, params=words)
        asked = {entry.name: entry for entry in _waiting(repo) if entry.name in names}
        repo.experiments.reproduce_celery(entries=list(asked.values()), jobs=jobs)
        ended = {name for name, state in known(project).items() if state == "done"}
        return {name: _why(repo, entry) for name, entry in asked.items() if name not in ended}


@contextmanager
def _repo(project: Project) -> Iterator[Any]:
    """The project as DVC sees it from its root, where it looks for params.yaml; its words go where progress goes."""
    with dvc_errors(project.root, "run experiments here"), redirect_stdout(sys.stderr), chdir(project.root):
        from dvc.repo import Repo

        with Repo(str(project.root)) as repo:
            yield repo


def _waiting(repo: Any) -> list[Any]:
    queue = repo.experiments.celery_queue
    return [*queue.iter_queued(), *queue.iter_active()]


def _why(repo: Any, entry: Any) -> str:
    """The error that a failed experiment's log ends with."""
    told = repo.experiments.celery_queue.proc.get(entry.stash_rev)
    text = Path(told.stdout).read_text(errors="replace") if told and told.stdout else ""
    said = [line for line in text.splitlines() if line.startswith(("error: ", "ERROR: "))]
    return said[0].partition(": ")[2] if said else f"`dvc queue logs {entry.name}` has more"
