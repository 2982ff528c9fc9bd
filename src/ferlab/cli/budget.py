"""`ferlab budget`: how much to spend, as overlays of params.yaml."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ferlab.cli import complete

app = typer.Typer(help="Choose how much to spend: a file of budgets/, such as trial or cpu.", no_args_is_help=True)


@app.command()
def use(
    name: Annotated[str, typer.Argument(help="A file in budgets/, without .yaml.", autocompletion=complete.budget)],
) -> None:
    """Lay budgets/NAME.yaml on params.yaml, key by key. Its comments stay."""
    from ferlab import params
    from ferlab.cli.ready import params_must_be_free
    from ferlab.params.budgets import lay_budget, left_out
    from ferlab.project import Project
    from ferlab.report.lock import keep_lock

    project = Project.find()
    params_must_be_free(project)
    before = params.load(project.params)
    keep_lock(project, before.budget)
    checked = lay_budget(project.root, name)
    for sentence in left_out(project.root, before, checked):
        typer.echo(f"warning: {sentence}", err=True)
    typer.echo(
        f"params.yaml is now the {name} budget, with its arms, GANs and seeds; `dvc repro` rebuilds reports/{name}/"
    )
    if checked.data.kind == "demo" and not checked.data.allow_demo:
        typer.echo("It is meant for real faces: `ferlab data add fer2013.zip ckplus48.zip` first.")
    if checked.data.kind == "real" and checked.data.allow_demo:
        typer.echo("It is meant for drawn faces: `ferlab data demo` lays them in place of yours.")


@app.command()
def show(
    name: Annotated[
        str | None,
        typer.Argument(help="Compare with this budget; default: params.yaml's own.", autocompletion=complete.budget),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show where params.yaml and a budget differ, and how long the budget takes on this machine."""
    from ferlab import params
    from ferlab.cli import estimate
    from ferlab.execution.cost import of_budget
    from ferlab.params.budgets import with_budget
    from ferlab.project import Project
    from ferlab.training.identity import flatten

    project = Project.find()
    own = params.load(project.params)
    budget = name or own.budget
    now = flatten(own.model_dump(mode="json"))
    laid = with_budget(project.root, budget)[1]
    then = flatten(laid.model_dump(mode="json"))
    changed: dict[str, dict[str, Any]] = {
        key: {"params.yaml": now.get(key), budget: then.get(key)}
        for key in sorted(now.keys() | then.keys())
        if now.get(key) != then.get(key)
    }
    if as_json:
        cost = asdict(of_budget(project, laid))
        typer.echo(json.dumps({"budget": budget, "differences": changed, "cost": cost}, indent=1))
        return
    for key, values in changed.items():
        typer.echo(f"{key}: {values['params.yaml']} in params.yaml, {values[budget]} in {budget}")
    if not changed:
        typer.echo(f"params.yaml is exactly the {budget} budget")
    typer.echo(estimate.whole(project, laid))
