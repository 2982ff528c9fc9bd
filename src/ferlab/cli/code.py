"""`ferlab code`: put the code that runs on record."""

from typing import Annotated

import typer


def code(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 2 if code.json is stale.")] = False,
) -> None:
    """Write code.json, which names the code that this project is worked on with. Commit it with the code."""
    from ferlab.code.check import NAME, read, record
    from ferlab.code.source import SOURCE, Code
    from ferlab.errors import UserError
    from ferlab.project import Project

    project = Project.find()
    if not check:
        typer.echo(f"{NAME} {'is brought up to date' if record(project) else 'is up to date'}")
    elif read(project.code_home / NAME) != Code.of(SOURCE):
        raise UserError("it isn't of the code in src/", where=NAME, next_step="`ferlab code`, and commit it")
