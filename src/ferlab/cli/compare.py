"""`ferlab compare`: do two runs differ?"""

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ferlab.evaluation.contrast import Seeds
    from ferlab.project import Project

_MLFLOW = re.compile("[0-9a-f]{32}")
_SHOWN = 10  # flipping images on the terminal; --json has them all


def compare(
    first: Annotated[str, typer.Argument(help="An arm, a run (resnet50-0), a prediction file or an MLflow run.")],
    second: Annotated[str, typer.Argument(help="The same of the other.")],
    name: Annotated[str | None, typer.Option("--budget", help="Whose arms; default: params.yaml's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Test whether two runs or two arms differ, and say in which classes and on which images."""
    from ferlab.evaluation.contrast import contrast
    from ferlab.project import Project

    project = Project.find()
    found = contrast(_read(project, first, name), _read(project, second, name), (first, second))
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        _tell(found)


def _read(project: "Project", what: str, budget: str | None) -> "Seeds":
    from ferlab.errors import UserError
    from ferlab.evaluation.predictions import read

    if what.endswith(".parquet"):
        return {None: read(Path(what))}
    if _MLFLOW.fullmatch(what):
        from ferlab.adapters.runs import fetch_predictions

        with tempfile.TemporaryDirectory() as folder:
            return {None: read(fetch_predictions(project, what, Path(folder))[1])}
    from ferlab.cli.folder import evidence_of

    evidence = evidence_of(project, budget)
    arm, _, seed = what.rpartition("-")
    if what in evidence.runs:
        return dict(evidence.runs[what].items())
    if seed.isdecimal() and int(seed) in evidence.runs.get(arm, {}):
        return {int(seed): evidence.runs[arm][int(seed)]}
    raise UserError(
        f"'{what}' is no arm or run of {evidence.folder.name}, no .parquet file and no MLflow run",
        where=str(evidence.folder / "predictions"),
        next_step=f"there are {', '.join(evidence.runs) or 'no runs yet'}",
    )


def _tell(found: dict[str, Any]) -> None:
    names = f"{found['second']} minus {found['first']}"
    for pair in found["pairs"]:
        seed = "" if pair["seed"] is None else f"seed {pair['seed']}: "
        a, b = pair["first"], pair["second"]
        told = [f"{one['accuracy']:.2%} ({one['low']:.2%} to {one['high']:.2%})" for one in (a, b)]
        apart = 100 * (b["accuracy"] - a["accuracy"])
        typer.echo(f"{seed}{' and '.join(told)}: {names} is {apart:+.2f} points")
        typer.echo(
            f"  {found['second']} loses {pair['lost']} images that {found['first']} has right, and wins {pair['won']}"
        )
        typer.echo(f"  McNemar's exact test of these two models: p = {pair['mcnemar_p']:.3g}")
    over = found["difference"]
    if over:
        typer.echo(
            f"{names}, over {over['seeds']} seeds: {100 * over['mean']:+.2f} points ({100 * over['low']:+.2f} to "
            f"{100 * over['high']:+.2f}), p = {over['p']:.3g}, Cohen's d {over['effect']:.2f} "
            f"({over['effect_low']:.2f} to {over['effect_high']:.2f})"
        )
    if not over or over["seeds"] < 3:
        typer.echo("Not decided: McNemar's test is of these trained models alone; a verdict needs three seeds.")
    elif over["low"] > 0 or over["high"] < 0:
        typer.echo("They differ: the 95% interval excludes 0.")
    else:
        typer.echo("No difference shown: the 95% interval holds 0.")
    typer.echo(f"recall by class, {names}, points: " + ", ".join(
        f"{name} {100 * one['difference']:+.1f}" for name, one in found["recall"].items()
    ))  # fmt: skip
    typer.echo(f"{len(found['images'])} images flip" + (", such as" if found["images"] else ""))
    for one in found["images"][:_SHOWN]:
        typer.echo(f"  {one['id']} ({one['truth']}): lost {one['lost']}, won {one['won']} times")
