"""`ferlab verify`: does what is published follow from what it is made of?"""

from typing import Annotated

import typer


def verify(
    name: Annotated[str | None, typer.Option("--budget", help="Which report; default: every one.")] = None,
    figures: Annotated[bool, typer.Option("--figures", help="Draw the figures anew too, and compare bytes.")] = False,
) -> None:
    """Recompute every published number from the predictions, and every hash; name what differs.

    Needs no data, no checkpoints and no torch.
    """
    from ferlab.cli.folder import budgets, evidence_of
    from ferlab.errors import UserError
    from ferlab.project import Project
    from ferlab.report.check import faults

    project = Project.find()
    names = [name] if name else budgets(project)
    found: list[str] = []
    for budget in names:
        evidence = evidence_of(project, budget)
        own = [fault.replace(f"{project.root}/", "") for fault in faults(evidence, figures=figures)]
        found += own
        typer.echo(f"reports/{budget}/: " + (f"{len(own)} faults" if own else "follows from its files"))
    if found:
        raise UserError(
            "\n".join(found),
            where="reports/",
            next_step="`git diff` shows what was edited; `ferlab report` makes tables, figures and page anew",
        )
