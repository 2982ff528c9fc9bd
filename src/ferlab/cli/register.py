"""`ferlab register`: an arm's best run in MLflow's model registry."""

from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli import complete

if TYPE_CHECKING:
    from ferlab.params import Params
    from ferlab.project import Project
    from ferlab.records.ledger import LedgerLine


def register(
    arm: Annotated[str, typer.Argument(help="An arm of params.yaml.", autocompletion=complete.arm)],
    budget: Annotated[
        str | None,
        typer.Option("--budget", help="Of which report; default: params.yaml's.", autocompletion=complete.report),
    ] = None,
    name: Annotated[str | None, typer.Option("--as", help="The model's name; default: budget-arm.")] = None,
    alias: Annotated[str, typer.Option(help="Points at this version from now on.")] = "best",
) -> None:
    """Register the arm's best run by validation accuracy, so that `mlflow models serve` can answer with it.

    The version names the training, the faces, the checkpoint and the report's ledger by their hashes. Its description
    is a card: what the model is, how well it does and what it can't be used for.
    """
    from ferlab.adapters.models import best_of
    from ferlab.adapters.registry import register as enter
    from ferlab.cli.folder import evidence_of
    from ferlab.crate.model_card import model_card
    from ferlab.errors import UserError
    from ferlab.project import Project

    project = Project.find()
    evidence = evidence_of(project, budget)
    params = evidence.params
    if arm not in params.arms:
        raise UserError(
            f"no arm is called '{arm}'", where=str(evidence.folder), next_step=f"there are {', '.join(params.arms)}"
        )
    entered = enter(
        project,
        best_of(params.budget, params.data.kind, arm),
        name or f"{params.budget}-{arm}",
        alias,
        lambda identity: identities(project, params, identity),
        lambda identity: model_card(evidence, line_of(project, params.budget, identity)),
    )
    typer.echo(
        f"{entered.name} version {entered.version}{'' if entered.is_new else ' (as before)'}, alias {entered.alias}: "
        f"run {entered.run}, {entered.valid_accuracy:.2%} of its validation images right"
    )
    typer.echo(f"serve it: mlflow models serve --model-uri models:/{entered.name}@{entered.alias} --env-manager local")


def line_of(project: "Project", budget: str, identity: str) -> "LedgerLine":
    """What the report's ledger says last of a training.

    Raises:
        UserError: the training was never evaluated.
    """
    from ferlab.errors import UserError
    from ferlab.records.ledger import read_ledger

    path = project.reports(budget) / "ledger.jsonl"
    line = next((line for line in reversed(read_ledger(path)) if line.identity == identity), None)
    if line is None:
        raise UserError(
            f"the best run, {identity}, isn't in the report's ledger: it wasn't evaluated",
            where=str(path),
            next_step="`dvc repro`, then register it",
        )
    return line


def identities(project: "Project", params: "Params", identity: str) -> dict[str, str]:
    """What a registered version rests on, from the report's ledger.

    Raises:
        UserError: the training was never evaluated.
    """
    from ferlab.records.ledger import head, read_ledger

    line = line_of(project, params.budget, identity)
    lines = read_ledger(project.reports(params.budget) / "ledger.jsonl")
    return {
        "ferlab.identity": identity,
        "ferlab.run": f"{line.arm}-{line.seed}",
        "ferlab.budget": params.budget,
        "ferlab.commit": line.commit,
        "ferlab.checkpoint": line.checkpoint,
        "data.kind": params.data.kind,
        **{f"data.{name}": params.data.sha256(name) or "" for name in params.data.used},
        "data.train": line.manifest["inputs"]["work/prepared/train"],
        "report.predictions": line.predictions,
        "report.ledger": head(lines) or "",
    }
