"""`ferlab code`: put the code that runs on record."""

from typing import Annotated

import typer


def code(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 2 if code.json is stale.")] = False,
) -> None:
    """Write code.json, which names the code that this project is worked on with. Commit it with the code.

    In a study, the stages of dvc.yaml that are ferlab's follow the ferlab that is installed.
    """
    from ferlab.code.check import NAME, read, record
    from ferlab.code.source import SOURCE, Code
    from ferlab.errors import UserError
    from ferlab.layout.pipeline import outdated, renew
    from ferlab.project import Project

    project = Project.find()
    if not check:
        typer.echo(f"{NAME} {'is brought up to date' if record(project) else 'is up to date'}")
        if names := renew(project):
            typer.echo(f"dvc.yaml: laid anew as this ferlab has them: {', '.join(names)}; `git diff dvc.yaml` shows it")
    elif read(project.code_home / NAME) != Code.of(SOURCE):
        raise UserError("it isn't of the code in src/", where=NAME, next_step="`ferlab code`, and commit it")
    elif names := outdated(project):
        raise UserError(
            f"the installed ferlab has other stages: {', '.join(names)}",
            where="dvc.yaml",
            next_step="`ferlab code` lays them anew",
        )
