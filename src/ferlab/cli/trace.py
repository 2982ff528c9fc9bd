"""`ferlab trace`: where a number comes from."""

import json
from typing import Annotated, Any

import typer

from ferlab.cli import complete


def trace(
    what: Annotated[
        str,
        typer.Argument(
            help="A row of the experiment, such as resnet50-dcgan, or a run: resnet50-0.", autocompletion=complete.arm
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            "--budget",
            help="The report; default: params.yaml's, or the one that has the arm.",
            autocompletion=complete.report,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that the ledger holds.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: everything too.")] = False,
) -> None:
    """Show what made an arm's numbers: code, data, parameters, seeds, GANs, checkpoint, machine, libraries, times."""
    from ferlab.cli.folder import budget_of, evidence_of, seeds_named
    from ferlab.errors import UserError
    from ferlab.params.near import did_you_mean
    from ferlab.project import Project
    from ferlab.report.tables import accuracy
    from ferlab.report.trace import trace as gather
    from ferlab.report.whose import Whose, is_in_store

    project = Project.find()
    evidence = evidence_of(project, name or budget_of(project, what))
    found = seeds_named(evidence, what)
    if found is None:
        arm, _, seed = what.rpartition("-")
        defined = what in evidence.params.arms or (seed.isdecimal() and arm in evidence.params.arms)
        ran = [f"{arm}-{seed}" for seed in evidence.runs.get(arm, ())]
        raise UserError(
            f"{what} has not been run" if defined else f"no arm is called '{what}'",
            where=str(evidence.folder),
            next_step=f"that have run: {', '.join(ran or evidence.runs) or 'none'}{did_you_mean(what, evidence.runs)}",
        )
    arm, seeds = found
    told = gather(evidence, arm)
    told["runs"] = [run for run in told["runs"] if run["seed"] in seeds]
    whose = Whose(project, evidence.folder)
    for run in told["runs"]:
        run["whose"] = whose.of(run["identity"], evidence.origins[arm][run["seed"]].line)
        logged = (run["ledger"] or {}).get("mlflow_run")
        run["in_this_store"] = is_in_store(project, logged) if logged else None
    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    whole = accuracy({seed: evidence.runs[arm][seed] for seed in seeds})
    bounds = f"95% interval {whole.low:.2%} to {whole.high:.2%}; {whole.method}"
    typer.echo(f"{what}, {evidence.params.budget} budget: {whole.value:.2%} ({bounds})")
    if everything:
        for key in ("plan", "files"):
            _tell(key, told[key], 0)
        for run in told["runs"]:
            _tell(f"seed {run.pop('seed')}", run, 0)
        return
    for run in told["runs"]:
        _tell_shortly(run)
    typer.echo("everything else, down to library versions: --all")


def _tell_shortly(run: dict[str, Any]) -> None:
    """Whose a run is, what made it, and where to look further."""
    from ferlab.params.data import archives

    typer.echo(f"seed {run['seed']}: {run['accuracy']:.2%} of {run['images']} images, {run['whose']}")
    typer.echo(f"  code: {run['code']}")
    ledger = run["ledger"]
    if ledger is None:
        return
    held = ", ".join(f"{name} {sha256[:10]}" for name, sha256 in archives(ledger["data"]).items())
    typer.echo(f"  data: {ledger['data']['kind']}, {held}")
    typer.echo(
        f"  training {run['identity']}, checkpoint {ledger['checkpoint'][:10]}, GANs {ledger.get('gan') or 'none'}"
    )
    machine = ledger["machine"]
    began, ended = ledger.get("trained") or (None, None)
    when = f"trained {began} to {ended}, evaluated {ledger['evaluated']}"
    typer.echo(f"  on {machine.get('gpu') or machine.get('cpu') or machine['processor']}, {when}")
    if ledger["mlflow_run"]:
        place = {True: "in this store", False: "not in this store", None: "in the store that its maker used"}
        typer.echo(f"  MLflow run {ledger['mlflow_run']}, {place[run['in_this_store']]}")


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
