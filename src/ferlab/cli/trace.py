"""`ferlab trace`: where a number comes from."""

import json
from typing import Annotated, Any

import typer

from ferlab.cli import complete


def trace(
    arm: Annotated[
        str, typer.Argument(help="A row of the experiment, such as resnet50-dcgan.", autocompletion=complete.arm)
    ],
    name: Annotated[
        str | None,
        typer.Option("--budget", help="Of which report; default: the one that has it.", autocompletion=complete.report),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say who made an arm's numbers: code, data, parameters, seeds, GANs, checkpoint, machine, libraries, times."""
    from ferlab.cli.folder import budget_of, evidence_of
    from ferlab.errors import UserError
    from ferlab.project import Project
    from ferlab.report.tables import accuracy
    from ferlab.report.trace import trace as gather

    project = Project.find()
    evidence = evidence_of(project, name or budget_of(project, arm))
    if arm not in evidence.runs:
        defined = arm in evidence.params.arms
        raise UserError(
            f"{arm} has not been run" if defined else f"no arm is called '{arm}'",
            where=str(evidence.folder),
            next_step=f"arms that have run: {', '.join(evidence.runs) or 'none'}",
        )
    found = gather(evidence, arm)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    whole = accuracy(evidence.runs[arm])
    bounds = f"{whole.low:.2%} to {whole.high:.2%}; {whole.method}"
    typer.echo(f"{arm}, {evidence.params.budget} budget: {whole.value:.2%} ({bounds})")
    for key in ("plan", "files"):
        _tell(key, found[key], 0)
    for run in found["runs"]:
        _tell(f"seed {run.pop('seed')}", run, 0)


def _tell(key: str, value: Any, depth: int) -> None:
    if key == "differences":  # of what is installed to requirements.lock
        value = {name: f"{here or 'absent'}, locked {there or 'nowhere'}" for name, (there, here) in value.items()}
    if isinstance(value, dict) and value:
        typer.echo(f"{'  ' * depth}{key}:")
        for inner, one in value.items():
            _tell(inner, one, depth + 1)
    else:
        shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        shown = "none" if shown in (None, "", {}) else shown
        typer.echo(f"{'  ' * depth}{key}: {shown}")
