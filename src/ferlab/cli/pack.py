"""`ferlab pack`: what `ferlab reproduce --pack N` calls."""

import sys
from typing import Annotated

import typer


def pack(
    names: Annotated[list[str], typer.Argument(help="Trainings, each an arm and a seed, such as resnet50-0.")],
    at_once: Annotated[int, typer.Option("--at-once", min=1, help="Trainings side by side.")] = 8,
    until: Annotated[
        float | None, typer.Option("--until", help="Seconds since 1970: begin none that couldn't end by then.")
    ] = None,
) -> None:
    """Train and evaluate arms in one process, and note the results in dvc.lock (use `ferlab reproduce --pack`)."""
    import math

    from ferlab import params
    from ferlab.execution.dvc import commit
    from ferlab.execution.packs import Ended, note
    from ferlab.execution.signals import stop_on_signals
    from ferlab.project import Project
    from ferlab.stages import pack as stage

    project = Project.find()
    stop_on_signals()
    pairs = [(name.rpartition("-")[0], name.rpartition("-")[2]) for name in names]
    packed = stage.Packed()
    try:
        stage.pack(
            project,
            params.load(project.params),
            pairs,
            at_once,
            packed,
            lambda line: print(line, flush=True),
            math.inf if until is None else until,
        )
    finally:
        stages = [f"{kind}@{name}" for name in packed.done for kind in ("train", "evaluate")]
        commit(project, stages)
        failed, left = ([f"train@{name}" for name in names] for names in (packed.failed, packed.left))
        note(project, Ended(stages, failed, left))
    for name, reason in packed.failed.items():
        print(f"{name}: {reason}", file=sys.stderr)
    if packed.left:
        print(f"not begun, because they would not have ended in time: {', '.join(packed.left)}")
    if packed.failed:
        raise typer.Exit(1)
