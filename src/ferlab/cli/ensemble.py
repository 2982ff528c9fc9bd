"""`ferlab ensemble`: what runs say together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ferlab.evaluation.predictions import Predictions
    from ferlab.report.evidence import Evidence


def ensemble(
    members: Annotated[list[str], typer.Argument(help="Arms (all their seeds) or runs (resnet50-0).")],
    rule: Annotated[str, typer.Option(help="average; or weighted or stacked, both fitted on validation.")] = "average",
    name: Annotated[str | None, typer.Option("--budget", help="The runs' report; default: params.yaml's.")] = None,
    into: Annotated[
        Path | None, typer.Option(help="A .parquet file for the predictions, which `ferlab compare` reads.")
    ] = None,
) -> None:
    """Combine the runs' predictions for the test images. Nothing is trained."""
    from ferlab.cli.folder import evidence_of
    from ferlab.errors import UserError
    from ferlab.evaluation import predictions
    from ferlab.evaluation.ensemble import RULES
    from ferlab.evaluation.intervals import wilson
    from ferlab.project import Project
    from ferlab.report.runs import read_runs

    if rule not in RULES:
        raise UserError(f"'{rule}' is no rule", where="--rule", next_step=f"the rules are {', '.join(RULES)}")
    if into is not None and into.suffix != ".parquet":
        raise UserError(
            f"'{into}' isn't named as a file of predictions", where="--into", next_step="end it in .parquet"
        )
    evidence = evidence_of(Project.find(), name)
    test = _runs(evidence, members)
    known = read_runs(evidence.folder, evidence.params, ("valid",)) if rule != "average" else {}
    valid = {f"{arm}-{seed}": run for arm, seeds in known.items() for seed, run in seeds.items()}
    combined = RULES[rule](test, valid)
    for member, run in test.items():
        typer.echo(f"{member}: {run.correct.mean():.2%}")
    found = wilson(int(combined.correct.sum()), len(combined.ids))
    typer.echo(f"together ({rule}): {found.value:.2%} ({found.low:.2%} to {found.high:.2%}; {found.method})")
    if into is not None:
        predictions.write(into, combined)
        typer.echo(f"{into}: `ferlab compare` reads it")


def _runs(evidence: "Evidence", names: list[str]) -> "dict[str, Predictions]":
    """Run -> what it says of the split `test`, an arm standing for all its seeds.

    Raises:
        UserError: a name is of nothing that has run, or a run is named twice.
    """
    from ferlab.errors import UserError
    from ferlab.params.near import did_you_mean

    every = {f"{arm}-{seed}": run for arm, seeds in evidence.test_runs.items() for seed, run in seeds.items()}
    found: dict[str, Predictions] = {}
    for name in names:
        seeds = evidence.test_runs.get(name, {})
        runs = [f"{name}-{seed}" for seed in seeds] or [name]
        for run in runs:
            if run not in every:
                raise UserError(
                    f"'{run}' is no arm or run of {evidence.folder.name} that has run",
                    where=str(evidence.folder / "predictions"),
                    next_step=f"there are {', '.join(evidence.test_runs) or 'no runs yet'}{did_you_mean(run, every)}",
                )
            if run in found:
                raise UserError(f"{run} is named twice", where=" ".join(names), next_step="name each member once")
            found[run] = every[run]
    return found
