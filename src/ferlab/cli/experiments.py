"""`ferlab ablate --dvc`: a question's points as experiments of DVC."""

import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ferlab.ablation.question import Question
    from ferlab.project import Project

NEXT = (
    "compare them: `dvc exp show --only-changed --drop '^(data|params.yaml$|reports/|src/|work/)'`; "
    "take one over: `dvc exp apply NAME`"
)


def experiment(project: "Project", question: "Question", jobs: int, dry_run: bool, as_json: bool) -> None:
    """Run the points of a question through DVC's queue, and say what became of each. Exit code 1 if one failed."""
    from ferlab import params
    from ferlab.ablation.experiments import experiments
    from ferlab.execution.experiments import known, run
    from ferlab.execution.signals import stop_on_signals

    asked = experiments(params.load(project.params), question)
    before = known(project)
    open_ = [one for _, one in asked if one.changes and before.get(one.name) != "done"]
    failed = dict[str, str]()
    if open_ and not dry_run:
        stop_on_signals()
        failed = run(project, open_, jobs)
    states = dict[str, str]()
    for _, one in asked:
        state = before.get(one.name, "to run") if dry_run else "failed" if one.name in failed else "done"
        states[one.name] = state if one.changes else "the commit itself"
    if as_json:
        rows = [
            {"name": one.name, "title": title, "changes": dict(one.changes), "state": states[one.name]}
            | ({"error": failed[one.name]} if one.name in failed else {})
            for title, one in asked
        ]
        typer.echo(json.dumps(rows, indent=1))
    else:
        for title, one in asked:
            typer.echo(f"{one.name if one.changes else '(no experiment)'}: {title}: {states[one.name]}")
        typer.echo(NEXT)
    for name, why in failed.items():
        typer.echo(f"failed: {name}: {why}", err=True)
    if failed:
        raise typer.Exit(1)
