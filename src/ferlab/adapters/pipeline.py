"""DVC's pipeline, several stages at once and in bounded time: which stages are due, and a run that can be gone on with.

`dvc repro` runs one stage after the other, and until the end. Here each due stage is a `dvc repro --single-item` of its
own, so that DVC alone decides what is up to date, and dvc.lock, run cache and outs are the same as by `dvc repro`.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

GRACE = 60.0  # seconds that a stage has to end after it was asked to
_POLL = 0.1  # seconds


@dataclass(frozen=True)
class Due:
    """A stage that is to run.

    Attributes:
        waits_for: the due stages whose outs it reads.
        rank: what runs first of several that could; lower is earlier.
    """

    waits_for: frozenset[str]
    rank: tuple[int, ...]


@dataclass
class Outcome:
    """Names of stages: ended well, ended with an error, asked to stop, and never begun."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def due_stages(root: Path) -> dict[str, Due]:
    """The stages of dvc.yaml that `dvc repro` would run at most: those that changed, and what comes after them.

    Later stages rank before earlier ones, so that a trained arm is evaluated before another is trained; of the same
    stage the first seeds of all arms rank before second ones, so that a run cut short has all of them once.
    """
    from dvc.repo import Repo
    from dvc.stage import PipelineStage

    with Repo(str(root)) as repo:
        changed = {address.rpartition(":")[2] for address in repo.status()}  # seen from elsewhere it has a path too
        graph = repo.index.graph
        stages = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
        kinds = list(dict.fromkeys(stage.name.partition("@")[0] for stage in stages))
        found = dict[str, Due]()

        def visit(stage: PipelineStage) -> bool:
            if stage.name not in found:
                waits = frozenset(
                    before.name
                    for before in graph.successors(stage)
                    if isinstance(before, PipelineStage) and visit(before)
                )
                if waits or stage.name in changed:
                    kind, _, place = stage.name.partition("@")
                    seed = place.rpartition("-")[2]
                    order = (-kinds.index(kind), int(seed) if seed.isdecimal() else 0, stages.index(stage))
                    found[stage.name] = Due(waits, order)
            return stage.name in found

        for stage in stages:
            visit(stage)
    return found


def run_stages(
    root: Path, due: Mapping[str, Due], *, jobs: int, deadline: float, logs: Path, say: Callable[[str], None]
) -> Outcome:
    """Run due stages, up to `jobs` side by side, until all are done or the time is up.

    A stage that fails takes with it those that wait for it, and no others. At the deadline, and on Ctrl-C, running
    stages are asked to stop; their checkpoints stay, and a later call goes on from them.

    Args:
        deadline: a reading of time.monotonic(); infinite for none.
        logs: folder for what each stage prints.
    """
    outcome, waiting, started = Outcome(), dict(due), dict[str, float]()
    running = dict[str, subprocess.Popen[bytes]]()
    logs.mkdir(parents=True, exist_ok=True)
    try:
        while time.monotonic() < deadline:
            ready = sorted(
                (name for name, stage in waiting.items() if stage.waits_for <= set(outcome.done)),
                key=lambda name: waiting[name].rank,
            )
            for name in ready[: jobs - len(running)]:
                del waiting[name]
                started[name] = time.monotonic()
                running[name] = _start(root, name, logs / f"{name}.log")
                say(f"{name}: started")
            if not running:
                break
            time.sleep(_POLL)
            for name, process in list(running.items()):
                if process.poll() is None:
                    continue
                del running[name]
                seconds = time.monotonic() - started[name]
                if process.returncode == 0:
                    outcome.done.append(name)
                    say(f"{name}: {_how(logs / f'{name}.log')} in {seconds:.0f} s ({len(outcome.done)} of {len(due)})")
                else:
                    outcome.failed.append(name)
                    say(f"{name}: failed after {seconds:.0f} s; its last words, from {logs / name}.log:")
                    say(_last_words(logs / f"{name}.log"))
    finally:
        outcome.stopped = list(running)
        _stop(running, say)
    outcome.left = list(waiting)
    return outcome


def _start(root: Path, name: str, log: Path) -> "subprocess.Popen[bytes]":
    """DVC on one stage, in a process group of its own: Ctrl-C is passed on once, by us."""
    with log.open("wb") as output:
        return subprocess.Popen(
            ["dvc", "--wait-for-lock", "repro", "--single-item", name],
            cwd=root,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )


def _stop(running: Mapping[str, "subprocess.Popen[bytes]"], say: Callable[[str], None]) -> None:
    for process in running.values():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
    last = time.monotonic() + GRACE
    for name, process in running.items():
        try:
            process.wait(max(0.0, last - time.monotonic()))
            say(f"{name}: stopped")
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            say(f"{name}: killed, as it didn't stop within {GRACE:.0f} s")


def _how(log: Path) -> str:
    """Whether a stage was run, by what DVC printed."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if "didn't change, skipping" in text:
        return "unchanged, seen"
    return "fetched from DVC's cache" if "skipping run" in text else "done"


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-8:])
