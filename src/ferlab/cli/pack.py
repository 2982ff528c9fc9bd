"""`ferlab pack`: what `ferlab reproduce --pack N` calls."""

import sys
from typing import Annotated

import typer

from ferlab.cli.gpu import MOST_AT_ONCE


def pack(
    names: Annotated[
        list[str], typer.Argument(help="Trainings as dvc.yaml calls them: train@resnet50-0, gan@dcgan-0.")
    ],
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=MOST_AT_ONCE, help="Trainings side by side.")] = 8,
    until: Annotated[
        float | None, typer.Option("--until", help="Seconds since 1970: begin none that couldn't end by then.")
    ] = None,
) -> None:
    """Train several at once in one process, and note the results in dvc.lock (use `ferlab reproduce --pack`)."""
    import math

    from ferlab import params
    from ferlab.execution.dvc import commit
    from ferlab.execution.packs import Ended, note
    from ferlab.execution.signals import stop_on_signals
    from ferlab.project import Project
    from ferlab.stages.pack import Pack, Packed

    project = Project.find()
    stop_on_signals()
    packed = Packed()
    try:
        Pack(
            project,
            params.load(project.params),
            names,
            at_once,
            packed,
            lambda line: print(line, flush=True),
            math.inf if until is None else until,
        ).run()
    finally:
        commit(project, packed.done)
        note(project, Ended(packed.done, list(packed.failed), packed.left))
    for name, reason in packed.failed.items():
        print(f"{name}: {reason}", file=sys.stderr)
    if packed.left:
        print(f"not begun, because they would not have ended in time: {', '.join(packed.left)}")
    if packed.failed:
        raise typer.Exit(1)
