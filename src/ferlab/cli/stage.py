"""`ferlab stage`: what dvc.yaml calls."""

from typing import Annotated

import typer


def stage(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The stage.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments, e.g. an arm and a seed.")] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="Of the stage gan: train this label's GAN alone, into its checkpoint.")
    ] = None,
) -> None:
    """Run one stage of the pipeline (use `dvc repro`, which knows what is up to date)."""
    from ferlab.cli.progress import ShowProgress
    from ferlab.code.check import check
    from ferlab.errors import UserError
    from ferlab.project import Project
    from ferlab.stages.context import run_stage
    from ferlab.stages.table import find
    from ferlab.training.observe import unseen

    quiet = context.obj["quiet"]
    if label is not None and name != "gan":
        raise UserError(f"the stage {name} has no labels", where="--label", next_step="leave --label out")
    project, told = Project.find(), arguments or []
    try:
        check(project)
        progress = unseen if quiet else ShowProgress
        run_stage(project, find(name), told, quiet=quiet, progress=progress, part=label)
    except BaseException:
        from ferlab.execution.bring_back import bring_back  # late: it loads DVC

        bring_back(project, "@".join(filter(None, (name, "-".join(told)))))
        raise
