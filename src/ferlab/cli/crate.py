"""`ferlab crate`: a report as a research object for an archive."""

from pathlib import Path
from typing import Annotated

import typer

from ferlab.cli import complete


def crate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The archive to write, such as results.zip.")],
    name: Annotated[
        str | None,
        typer.Option("--budget", help="Which report; default: params.yaml's budget.", autocompletion=complete.report),
    ] = None,
) -> None:
    """Pack a report, its predictions, ledger, environment and workflow as a Workflow Run RO-Crate.

    The report is verified first. The archive holds no data set, only its description.
    """
    from ferlab.cli.folder import evidence_of
    from ferlab.cli.progress import at_work
    from ferlab.crate.pack import must_be_possible, must_be_sound, pack
    from ferlab.project import Project

    project = Project.find()
    must_be_possible(project, file)
    evidence = evidence_of(project, name)
    with at_work(f"reports/{evidence.folder.name}/", quiet=context.obj["quiet"]):
        must_be_sound(project, evidence)
        packed = pack(project, evidence, file)
    if packed.left_out:
        typer.echo(f"left out, because no stage makes them: {', '.join(packed.left_out)}")
    typer.echo(f"{file}: {packed.runs} runs, {packed.files} files, {file.stat().st_size / 2**20:.1f} MiB")
