"""`ferlab verify`: does what is published follow from what it is made of? `ferlab seal`: one hash over all of it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli import complete

LEDGER = "ledger.jsonl"
UNKNOWN = "the ledger has no line of the training"  # as a fault begins to say

if TYPE_CHECKING:
    from ferlab.project import Project


def verify(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Option("--budget", help="Which report; default: every one.", autocompletion=complete.report),
    ] = None,
    figures: Annotated[bool, typer.Option("--figures", help="Redraw the figures too, and compare bytes.")] = False,
    seal: Annotated[str | None, typer.Option("--seal", help="What `ferlab seal` printed; it must still hold.")] = None,
) -> None:
    """Recompute every published number from the predictions, and every hash. Name what differs.

    Needs no data, no checkpoints and no torch. What a ledger says about code and locked versions is compared with
    git's history if that is available. Otherwise it is unknown, which is not a fault.
    """
    from ferlab.cli.folder import budgets, evidence_of
    from ferlab.cli.progress import at_work
    from ferlab.errors import UserError
    from ferlab.files import content_hash
    from ferlab.project import Project
    from ferlab.records.seal import read_seals
    from ferlab.report.check import faults
    from ferlab.report.ledger_check import held_against_git
    from ferlab.report.missing import missing

    project = Project.find()
    if seal is not None and not re.fullmatch("[0-9a-f]{64}", seal):
        raise UserError(
            f"'{seal}' is no seal", where="--seal", next_step="give the 64 digits that `ferlab seal` printed"
        )
    seals = read_seals(project.root / "reports")
    gone, found = list[Path](), list[str]()
    for budget in [name] if name else budgets(project, unfinished=True):
        folder = project.reports(budget)
        with at_work(f"reports/{budget}/", quiet=context.obj["quiet"]):
            evidence = evidence_of(project, budget) if (folder / "params.yaml").is_file() else None
            lost = missing(folder, evidence) or ([] if evidence else [folder / "params.yaml"])
        if evidence is None and not folder.is_dir():
            evidence_of(project, budget)  # raises: no such report
        gone += lost
        own = list[str]()
        with at_work(f"reports/{budget}/", quiet=context.obj["quiet"]):
            by_git = held_against_git(folder / LEDGER, project.code_home)
            if evidence:
                checked = list(faults(evidence, seals.get(budget), figures=figures, results_only=bool(lost)))
                _must_have_room(project, checked)
                own += [fault for fault in checked if not any(str(path) in fault for path in lost)]
        own += by_git.faults
        found += own
        typer.echo(
            f"reports/{budget}/: "
            + _counted(len(lost), len(own))
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
            typer.echo(f"{whole}/: matches the seal, byte by byte")
        else:
            found.append(f"{whole}/: doesn't match the seal: its seal is {now}")
    if gone or found:
        told = [*(f"{path}: missing" for path in gone), *found]
        raise UserError(
            "\n".join(one.replace(f"{project.root}/", "") for one in told),
            where="reports/",
            next_step=_way_out(gone, found),
        )


def _must_have_room(project: "Project", checked: list[str]) -> None:
    """Raise a UserError where a check ended for want of a place to make the page that it compares with."""
    import tempfile

    from ferlab.errors import UserError

    scratch = tempfile.gettempdir()
    for fault in checked:
        place, _, said = fault.partition(": ")
        if Path(place).is_relative_to(scratch) and not Path(place).is_relative_to(project.root):
            raise UserError(said, where=scratch, next_step="free some space there, or set TMPDIR to another folder")


def _counted(lost: int, wrong: int) -> str:
    if not lost:
        return _faults(wrong) if wrong else "follows from its files"
    files = "a file is" if lost == 1 else f"{lost} files are"
    rest = f"; {_faults(wrong)} in the rest" if wrong else ""
    return f"{files} missing, so tables, numbers and page can't be checked{rest}"


def _faults(number: int) -> str:
    return "1 fault" if number == 1 else f"{number} faults"


def _way_out(gone: list[Path], wrong: list[str]) -> str:
    """What helps: an interrupted run goes on, a page that is only old is made anew, an edit is found by git."""
    from ferlab.report.missing import is_made

    ways = []
    if any(path.name != LEDGER for path in gone):
        ways.append(
            "an interrupted run leaves files missing: `ferlab reproduce --budget NAME` continues and makes them, "
            "or `git restore reports/` brings back what is committed"
        )
    if any(path.name == LEDGER for path in gone):
        ways.append(f"no command can remake a {LEDGER}: `git restore` brings it back")
    if made := [one for one in wrong if is_made(Path(one.partition(":")[0].partition(", line ")[0]))]:
        ways.append(
            "`ferlab report --budget NAME` rebuilds tables, figures and page from the files beside them, if those are "
            "right"
        )
    if unknown := [one for one in wrong if UNKNOWN in one]:
        ways.append(
            "a run that came out of DVC's cache is entered into the ledger again by `dvc repro --force --single-item "
            "evaluate@ARM-SEED`, and then `ferlab report`"
        )
    if len(made) + len(unknown) < len(wrong):
        ways.append("`git diff` shows what was edited, and `git restore` brings back what is committed")
    return "; ".join(ways)


def seal(
    name: Annotated[
        str | None,
        typer.Option("--budget", help="Which report; default: all of reports/.", autocompletion=complete.report),
    ] = None,
) -> None:
    """Print one hash over all reports, and note each ledger's lines in reports/seals.json, which must be committed.

    Keep the hash where no later edit of this repository can reach it: in a release, a signed tag or a timestamp.
    `ferlab verify --seal HASH` compares the reports with it.
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
    typer.echo(f"one hash over {whole}/; `ferlab verify --seal` compares the files with it", err=True)
    typer.echo(content_hash(project.root / whole))


def _whole(project: "Project", budget: str | None) -> Path:
    """What a seal is over."""
    return project.reports(budget).relative_to(project.root) if budget else Path("reports")
