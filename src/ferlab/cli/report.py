"""`ferlab report`: rebuild a page from committed files alone."""

from typing import Annotated

import typer

from ferlab.cli import complete


def report(
    name: Annotated[
        str | None,
        typer.Option("--budget", help="Which report; default: params.yaml's budget.", autocompletion=complete.report),
    ] = None,
) -> None:
    """Rebuild every table, figure and the page in reports/<budget>/ from the small files there.

    Needs no data, no checkpoints and no torch: a fresh clone will do.
    """
    import os

    from ferlab.cli.folder import evidence_of
    from ferlab.code.commit import read_commit
    from ferlab.project import Project
    from ferlab.report.lock import keep_lock
    from ferlab.report.render import build

    project = Project.find()
    evidence = evidence_of(project, name)
    keep_lock(project, evidence.folder.name)
    page = build(evidence.folder, evidence.params, evidence.paper, dirty=read_commit(project).code_dirty)
    typer.echo(os.path.relpath(page))  # as seen from here, which may be a folder below the project's
