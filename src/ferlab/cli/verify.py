"""`ferlab verify`: does what is published follow from what it is made of? `ferlab seal`: one hash over all of it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli import complete

if TYPE_CHECKING:
    from ferlab.project import Project


def verify(
    name: Annotated[
        str | None,
        typer.Option("--budget", help="Which report; default: every one.", autocompletion=complete.report),
    ] = None,
    figures: Annotated[bool, typer.Option("--figures", help="Draw the figures anew too, and compare bytes.")] = False,
    seal: Annotated[str | None, typer.Option("--seal", help="What `ferlab seal` printed; it must still hold.")] = None,
) -> None:
    """Recompute every published number from the predictions, and every hash; name what differs.

    Needs no data, no checkpoints and no torch. What a ledger says of code and locked versions is held against git's
    history where that is here; else it is unknown, which is no fault.
    """
    from ferlab.cli.folder import budgets, evidence_of
    from ferlab.errors import UserError
    from ferlab.files import content_hash
    from ferlab.project import Project
    from ferlab.records.seal import read_seals
    from ferlab.report.check import faults
    from ferlab.report.ledger_check import held_against_git

    project = Project.find()
    if seal and not re.fullmatch("[0-9a-f]{64}", seal):
        raise UserError(
            f"'{seal}' is no seal", where="--seal", next_step="give the 64 digits that `ferlab seal` printed"
        )
    seals = read_seals(project.root / "reports")
    found: list[str] = []
    for budget in [name] if name else budgets(project):
        evidence = evidence_of(project, budget)
        by_git = held_against_git(evidence.folder / "ledger.jsonl", project.code_home)
        own = [*faults(evidence, seals.get(budget), figures=figures), *by_git.faults]
        found += [fault.replace(f"{project.root}/", "") for fault in own]
        typer.echo(
            f"reports/{budget}/: "
            + (f"{len(own)} faults" if own else "follows from its files")
            + (
                f"; git can't check the code of {by_git.unknown} of {by_git.lines} ledger lines here"
                if by_git.unknown
                else ""
            )
        )
    if seal:
        whole = _whole(project, name)
        now = content_hash(project.root / whole)
        if now == seal:
            typer.echo(f"{whole}/: is what was sealed, byte by byte")
        else:
            found.append(f"{whole}/: is not what was sealed: its seal is {now}")
    if found:
        raise UserError(
            "\n".join(found),
            where="reports/",
            next_step="`git diff` shows what was edited; `ferlab report` makes tables, figures and page anew",
        )


def seal(
    name: Annotated[
        str | None,
        typer.Option("--budget", help="Which report; default: all of reports/.", autocompletion=complete.report),
    ] = None,
) -> None:
    """Print one hash over a whole report: put it where no later edit of this repository reaches.

    Such as a release, a signed tag or a timestamp. `ferlab verify --seal HASH` holds the report against it. The lines
    that its ledger has by now are noted in reports/seals.json, which is to be committed.
    """
    from ferlab.cli.folder import budgets, evidence_of
    from ferlab.files import content_hash
    from ferlab.project import Project
    from ferlab.records.ledger import read_ledger
    from ferlab.records.seal import read_seals, sealed, write_seals

    project = Project.find()
    seals = read_seals(project.root / "reports")
    for budget in [name] if name else budgets(project):
        ledger = evidence_of(project, budget).folder / "ledger.jsonl"
        if fresh := sealed(read_ledger(ledger), seals.get(budget), ledger):
            seals[budget] = fresh
    write_seals(project.root / "reports", seals)
    whole = _whole(project, name)
    typer.echo(f"one hash over {whole}/; `ferlab verify --seal` holds the report against it", err=True)
    typer.echo(content_hash(project.root / whole))


def _whole(project: "Project", budget: str | None) -> Path:
    """What a seal is over."""
    return project.reports(budget).relative_to(project.root) if budget else Path("reports")
