"""`ferlab report`: rebuild a page from committed files alone."""

from typing import Annotated

import typer


def report(
    name: Annotated[str | None, typer.Option("--budget", help="Which report; default: params.yaml's budget.")] = None,
) -> None:
    """Rebuild every table, figure and the page in reports/<budget>/ from the small files there.

    Needs no data, no checkpoints and no torch: a fresh clone will do.
    """
    from ferlab import params
    from ferlab.errors import UserError
    from ferlab.project import Project
    from ferlab.report.render import build

    project = Project.find()
    budget = name or params.load(project.params).budget
    folder = project.reports(budget)
    if not (folder / "params.yaml").is_file():
        known = sorted(path.parent.name for path in (project.root / "reports").glob("*/params.yaml"))
        raise UserError(
            f"there are no results of the budget '{budget}' yet",
            where=str(folder),
            next_step=f"`ferlab budget use {budget}` and `dvc repro` make them"
            + (f"; reports exist for {', '.join(known)}" if known else ""),
        )
    page = build(folder, params.load(folder / "params.yaml"))
    typer.echo(str(page.relative_to(project.root)))
