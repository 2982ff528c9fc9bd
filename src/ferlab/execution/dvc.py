"""DVC's pipeline as tasks: which stages are due, and what DVC's errors and locks mean.

`dvc repro` runs one stage after the other, and until the end. Here each due stage is a `dvc repro --single-item` of its
own, so that DVC alone decides what is up to date, and dvc.lock, run cache and outs are the same as by `dvc repro`.
"""

import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferlab.errors import UserError
from ferlab.execution.cost import START_UP
from ferlab.execution.dvc_errors import dvc_errors
from ferlab.execution.task import Task, Words, in_parts
from ferlab.project import Project

if TYPE_CHECKING:
    from dvc.stage import PipelineStage

LAST_OF_AN_ARM = "evaluate"  # comes before another arm is trained, so that a run cut short has whole rows

Parts = Callable[[Words, float], Mapping[str, Words]]
"""(a stage's command, its expected seconds) -> name of a part to the command that does it beforehand; mostly none."""


@dataclass(frozen=True)
class Due:
    """What is to be run, as far as it is known.

    Attributes:
        tasks: in the order of dvc.yaml.
        stages: how many stages are due, those of later rounds among them.
        more: whether to ask again once these have ended: a stage that is done in parts, packed or elsewhere waits for
            some of them, and only then is it known whether it has to run at all.
        later: those of later rounds, as far as they are known.
        to_pack: names of tasks that are done otherwise than as stages: packed, or elsewhere.
    """

    tasks: tuple[Task, ...]
    stages: int
    more: bool
    later: tuple[Task, ...] = ()
    to_pack: tuple[str, ...] = ()


def due_tasks(
    project: Project,
    seconds: Callable[[Words], float],
    parts: Parts,
    threads: int,
    packs: Callable[[Words], bool] = lambda _: False,
) -> Due:
    """The stages that `dvc repro` would run at most (those that changed, and what comes after them) as tasks.

    Args:
        seconds: a stage's command -> what it is expected to cost.
        parts: what of a stage is done side by side before the stage itself, which finds it done.
        packs: a stage's command -> whether it can be done so.

    Raises:
        UserError: DVC can't read the project, or another process holds its lock.
    """
    with dvc_errors(project.root):
        from dvc.repo import Repo
        from dvc.stage import PipelineStage

        with Repo(str(project.root)) as repo:
            changed = {address.rpartition(":")[2] for address in repo.status()}  # seen from elsewhere it has a path too
            stages = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
            waits = _waits(repo, stages, changed)
            tasks, undecided, to_pack = dict[str, Task](), set[str](), list[str]()
            for stage in stages:
                if stage.name not in waits:
                    continue
                words = tuple(shlex.split(stage.cmd))
                task = _task(project, stage, waits[stage.name], seconds(words), threads)
                some = parts(words, task.seconds)
                if some or packs(words):
                    if task.waits_for:
                        undecided.add(stage.name)
                        some = {}
                    elif _is_cached(repo, stage):
                        some = {}
                    elif not some:
                        to_pack.append(stage.name)
                tasks |= {one.name: one for one in in_parts(task, some, START_UP)}
    if undecided:
        blocked = {name for name in waits if name in undecided or before({name}, waits) & undecided}
        first = before(undecided, waits) - blocked
        now, later = ([one for one in tasks.values() if (_stage_of(one) in first) is asked] for asked in (True, False))
        ready = tuple(name for name in to_pack if name in first)
        return Due(tuple(now), len(waits), more=True, later=tuple(later), to_pack=ready)
    return Due(tuple(tasks.values()), len(waits), more=False, to_pack=tuple(to_pack))


def _stage_of(task: Task) -> str:
    return task.name.partition(":")[0]


def must_be_readable(project: Project) -> None:
    """Raise a UserError where DVC can't read the pipeline or what its files say of it; nothing is hashed."""
    with dvc_errors(project.root):
        from dvc.repo import Repo

        with Repo(str(project.root)) as repo:
            repo.index.check_graph()
            for stage in repo.index.stages:
                for out in (*stage.deps, *stage.outs):
                    str(out.hash_info)


def _waits(repo: Any, stages: "list[PipelineStage]", changed: set[str]) -> dict[str, frozenset[str]]:
    """Each due stage with the due stages whose outs it reads."""
    from dvc.stage import PipelineStage

    found, seen, graph = dict[str, frozenset[str]](), set[str](), repo.index.graph

    def visit(stage: PipelineStage) -> bool:
        if stage.name not in seen:
            seen.add(stage.name)
            befores = (before for before in graph.successors(stage) if isinstance(before, PipelineStage))
            waits = frozenset(before.name for before in befores if visit(before))
            if waits or stage.name in changed:
                found[stage.name] = waits
        return stage.name in found

    for stage in stages:
        visit(stage)
    return found


def _task(project: Project, stage: "PipelineStage", waits: frozenset[str], seconds: float, threads: int) -> Task:
    kind, _, place = stage.name.partition("@")
    seed = place.rpartition("-")[2]
    return Task(
        name=stage.name,
        command=("dvc", "--wait-for-lock", "repro", "--single-item", stage.name),
        folder=project.root,
        log=project.state / "logs" / f"{stage.name}.log",
        waits_for=waits,
        inputs=tuple(Path(dep.fs_path) for dep in stage.deps),
        outs=tuple(Path(out.fs_path) for out in stage.outs),
        stays=True,
        threads=threads,
        seconds=seconds,
        rank=(int(seed) if seed.isdecimal() else 0, int(kind != LAST_OF_AN_ARM)),
    )


def _is_cached(repo: Any, stage: "PipelineStage") -> bool:
    """Whether DVC would take a changed stage's outs from its run cache instead of running it."""
    from dvc.stage.cache import RunCacheNotFoundError
    from dvc_data.hashfile.hash_info import HashInfo

    for out in stage.outs:
        out.hash_info = HashInfo()  # else dvc.lock's outs, of the run before the change, would do
    try:
        with chdir(repo.root_dir):  # the cache holds paths as seen from there
            stage.save_deps()
            repo.stage_cache.restore(stage, dry=True)
    except RunCacheNotFoundError:
        return False
    return True


def before(names: set[str], waits: Mapping[str, frozenset[str]]) -> set[str]:
    """All that some stages wait for, directly or not."""
    found, ahead = set[str](), [*names]
    while ahead:
        fresh = waits[ahead.pop()] - found
        found |= fresh
        ahead += fresh
    return found


def commit(project: Project, stages: Sequence[str]) -> None:
    """Note in dvc.lock and DVC's cache what stages have made that were called by others than DVC.

    Raises:
        UserError: DVC can't.
    """
    if not stages:
        return
    words = [sys.executable, "-m", "dvc", "--wait-for-lock", "commit", "--force", "--quiet", *stages]
    ended = subprocess.run(words, cwd=project.root, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise UserError(
            f"DVC can't take the results of {', '.join(stages)}: {ended.stderr.strip()}",
            next_step="`dvc repro` finds the trainings finished and takes them up",
        )


def how(text: str) -> str:
    """Whether a stage was run, by what DVC printed."""
    if "didn't change, skipping" in text:
        return "unchanged, seen"
    return "fetched from DVC's cache" if "skipping run" in text else "done"
