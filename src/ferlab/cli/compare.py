"""`ferlab compare`: do two runs differ?"""

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli import complete

if TYPE_CHECKING:
    from ferlab.evaluation.contrast import Contrast, Seeds
    from ferlab.project import Project

_MLFLOW = re.compile("[0-9a-f]{32}")
_ALONE = "(of this pair alone; a report's verdicts use the spread that all its arms share)"
_SHOWN = 10  # flipping images on the terminal; --json has them all


def compare(
    first: Annotated[
        str,
        typer.Argument(
            help="An arm, a run (resnet50-0), a prediction file or an MLflow run.", autocompletion=complete.side
        ),
    ],
    second: Annotated[str, typer.Argument(help="The same of the other.", autocompletion=complete.side)],
    name: Annotated[
        str | None,
        typer.Option("--budget", help="Whose arms; default: params.yaml's.", autocompletion=complete.report),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Test whether two runs or two arms differ, and say in which classes and on which images."""
    from ferlab.evaluation.contrast import contrast
    from ferlab.project import Project

    project = Project.find()
    result = contrast(_runs(project, first, name), _runs(project, second, name), (first, second))
    if as_json:
        typer.echo(json.dumps(result.plain(), indent=1))
    else:
        if note := _whose(project, name, (first, second)):
            typer.echo(note)
        _tell(result)


def _whose(project: "Project", budget: str | None, sides: tuple[str, str]) -> str | None:
    """Which report the arms or runs are of, and whether it can say anything; None where neither is of one."""
    from ferlab.cli.folder import evidence_of
    from ferlab.report.words import drawn

    if all(what.endswith(".parquet") or _MLFLOW.fullmatch(what) for what in sides):
        return None
    evidence = evidence_of(project, budget)
    faces = "drawn faces, which say nothing about the paper" if drawn(evidence.params) else "FER-2013"
    return f"reports/{evidence.folder.name}: {faces}"


def _runs(project: "Project", what: str, budget: str | None) -> "Seeds":
    from ferlab.errors import UserError
    from ferlab.evaluation import predictions

    if what.endswith(".parquet"):
        return {None: predictions.read(Path(what))}
    if _MLFLOW.fullmatch(what):
        from ferlab.adapters.runs import fetch_predictions

        with tempfile.TemporaryDirectory() as folder:
            return {None: predictions.read(fetch_predictions(project, what, Path(folder))[1])}
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


def _tell(result: "Contrast") -> None:
    names = f"{result.second} minus {result.first}"
    for pair in result.pairs:
        seed = "" if pair.seed is None else f"seed {pair.seed}: "
        accuracies = [f"{run.accuracy:.2%} ({run.low:.2%} to {run.high:.2%})" for run in (pair.first, pair.second)]
        apart = 100 * (pair.second.accuracy - pair.first.accuracy)
        typer.echo(f"{seed}{' and '.join(accuracies)}: {names} is {apart:+.2f} points")
        typer.echo(f"  {result.second} loses {pair.lost} images that {result.first} has right, and wins {pair.won}")
        typer.echo(f"  McNemar's exact test of these two models: p = {pair.mcnemar_p:.3g}")
    over = result.difference
    if over:
        typer.echo(
            f"{names}, over {over.seeds} seeds: {100 * over.mean:+.2f} points ({100 * over.low:+.2f} to "
            f"{100 * over.high:+.2f}), p = {over.p:.3g}, Cohen's d {over.effect:.2f} "
            f"({over.effect_low:.2f} to {over.effect_high:.2f})"
        )
    if not over or over.seeds < 3:
        typer.echo("Not decided: McNemar's test is of these trained models alone; a verdict needs three seeds.")
    elif over.low > 0 or over.high < 0:
        typer.echo(f"They differ: the 95% interval excludes 0 {_ALONE}.")
    else:
        typer.echo(f"No difference shown: the 95% interval holds 0 {_ALONE}.")
    changes = [f"{name} {100 * means.difference:+.1f}" for name, means in result.recall.items()]
    typer.echo(f"recall by class, {names}, points: {', '.join(changes)}")
    typer.echo(f"{len(result.images)} images flip" + (", such as" if result.images else ""))
    for image in result.images[:_SHOWN]:
        typer.echo(f"  {image.id} ({image.truth}): lost {image.lost}, won {image.won} times")
