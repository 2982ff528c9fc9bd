"""`ferlab power`: what a design can tell before it is run."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ferlab.cli import complete

if TYPE_CHECKING:
    from ferlab.evaluation.blocks import Spread
    from ferlab.evaluation.power import Design
    from ferlab.params import Params
    from ferlab.project import Project

GAINS = (0.0, 0.25, 0.5, 1.0, 2.0)  # points


def power(
    name: Annotated[
        str | None,
        typer.Option("--budget", help="Whose plan and spread; default: params.yaml's.", autocompletion=complete.budget),
    ] = None,
    sd: Annotated[float | None, typer.Option(help="Spread in points, instead of the report's.", min=0)] = None,
    arms: Annotated[int | None, typer.Option(help="Arms that share the spread; default: the budget's.", min=2)] = None,
    blocks: Annotated[int | None, typer.Option(help="Seeds with their GANs; default: the budget's.", min=2)] = None,
    gain: Annotated[list[float] | None, typer.Option(help="An assumed true gain in points; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a design can find: the smallest gain, the blocks that a gain needs, the chance of each verdict.

    Chances are for "the images help", by the rules of docs/evidence.md: for one primary claim while the other fails.
    """
    from ferlab.cli.folder import evidence_of
    from ferlab.errors import UserError
    from ferlab.papers import paper_of
    from ferlab.project import Project
    from ferlab.report.design import measured, planned

    project = Project.find()
    if sd is None:
        evidence = evidence_of(project, name)
        params, spread, paper = evidence.params, measured(evidence), evidence.paper
    else:
        params, spread = _plan_of(project, name), None
        paper = paper_of(project, params)
    if not paper.main_claim and None in (sd, arms):
        raise UserError(
            "no claim is primary, so nothing says which arms' spread counts",
            where=str(project.paper),
            next_step="write `primary: true` to a claim about added images",
        )
    if sd is None and spread is None:
        raise UserError(
            "the spread of the main claim's arms isn't known: fewer than two seeds of both have run",
            where=f"reports/{params.budget}",
            next_step="name one with --sd, or another report with --budget",
        )
    plan = planned(params, paper, spread.sd if spread else (sd or 0) / 100)
    design = replace(plan, arms=arms or plan.arms, blocks=blocks or plan.blocks)
    if not design.sd or min(design.arms, design.blocks) < 2:
        raise UserError(
            f"arms: {design.arms}, blocks: {design.blocks}, spread: {100 * design.sd:g} points tell nothing",
            where=f"the budget {params.budget}",
            next_step="name at least two with --arms and --blocks, and a spread above 0 with --sd",
        )
    told = _told(design, gain or list(GAINS), spread)
    source = f"of {spread.arms} arms in {spread.blocks} seeds of reports/{params.budget}/" if spread else "as given"
    _tell(told | {"source": source}, as_json)


def _plan_of(project: "Project", name: str | None) -> "Params":
    """What a budget plans: by its report, else by budgets/, else by params.yaml."""
    from ferlab import params
    from ferlab.cli.folder import budgets, evidence_of
    from ferlab.params.budgets import with_budget

    if name in budgets(project):
        return evidence_of(project, name).params
    return with_budget(project.root, name)[1] if name else params.load(project.params)


def _told(design: "Design", gains: list[float], spread: "Spread | None") -> dict[str, Any]:
    """What the design can tell as plain JSON: gains and spreads in points, chances 0-1."""
    from ferlab.evaluation.judgement import MARGINS
    from ferlab.evaluation.power import blocks_needed, chances, pessimistic, smallest_gain

    told: dict[str, Any] = {"spread": 100 * design.sd, "arms": design.arms, "blocks": design.blocks}
    told["smallest_gain"] = 100 * smallest_gain(design)
    if spread:
        high = pessimistic(spread.sd, spread.df)
        told["pessimistic"] = {"spread": 100 * high, "smallest_gain": 100 * smallest_gain(replace(design, sd=high))}
    told["gains"] = [
        {
            "gain": gain,
            "blocks": blocks_needed(design, gain / 100) if gain > 0 else None,
            "holds": one.holds,
            "does not hold": one.fails,
            "not decided": one.undecided,
            "nothing": {f"{100 * m:g}": share for m, share in zip(MARGINS, one.nothing, strict=True)},
        }
        for gain, one in ((gain, chances(design, gain / 100)) for gain in gains)
    ]
    return told


def _tell(told: dict[str, Any], as_json: bool) -> None:
    from ferlab.report.words import DASH

    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    typer.echo(f"spread: {told['spread']:.2f} points, {told['source']}")
    typer.echo(f"design: {told['arms']} arms in {told['blocks']} blocks")
    typer.echo(f"smallest gain that holds in 80% of such designs: {told['smallest_gain']:.2f} points")
    if high := told.get("pessimistic"):
        typer.echo(
            f"  {high['smallest_gain']:.2f} with the spread that is exceeded one time in five: {high['spread']:.2f}"
        )
    typer.echo("chance of each verdict, and the blocks that make “holds” 80%")
    margins = "".join(f"{f'within ±{margin}':>14}" for margin in told["gains"][0]["nothing"])
    typer.echo(f"true gain{'holds':>8}{'does not hold':>15}{'not decided':>13}{margins}{'blocks':>8}")
    for one in told["gains"]:
        words = f"{one['holds']:>8.0%}{one['does not hold']:>15.0%}{one['not decided']:>13.0%}"
        nothing = "".join(f"{share:>14.0%}" for share in one["nothing"].values())
        typer.echo(f"{one['gain']:>+9.2f}{words}{nothing}{one['blocks'] or DASH:>8}")
