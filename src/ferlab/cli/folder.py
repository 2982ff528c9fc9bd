"""Which reports/<budget>/ a command speaks of."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ferlab.project import Project
    from ferlab.report.evidence import Evidence


def evidence_of(project: "Project", budget: str | None) -> "Evidence":
    """The evidence of a budget, by default of params.yaml's own.

    Raises:
        UserError: there are no results of it, or no such budget; those that there are, are named. As
            `papers.paper_of`.
    """
    from ferlab import params
    from ferlab.errors import UserError
    from ferlab.papers import paper_of
    from ferlab.params.budgets import read_budget
    from ferlab.params.migration import load_published
    from ferlab.records.published import has_arms
    from ferlab.report.evidence import Evidence

    own = params.load(project.params)
    paper = paper_of(project, own)
    name = budget or own.budget
    folder = project.reports(name)
    if has_arms(folder) and not (folder / "params.yaml").is_file() and name == own.budget:
        return Evidence(folder, own, paper)  # a pipeline under way: its last stage will leave the settings there
    if not (folder / "params.yaml").is_file():
        if name != own.budget:
            read_budget(project.root, name)
        known = budgets(project)
        raise UserError(
            f"there are no results of the budget '{name}' yet",
            where=str(folder),
            next_step=f"`ferlab budget use {name}` and `dvc repro` make them"
            + (f"; reports exist for {', '.join(known)}" if known else ""),
        )
    return Evidence(folder, load_published(folder / "params.yaml"), paper)


def seeds_named(evidence: "Evidence", what: str) -> tuple[str, list[int]] | None:
    """An arm and its seeds that have run, of `resnet50`, or of `resnet50-0` for one alone; None if there are none."""
    if what in evidence.runs:
        return what, list(evidence.runs[what])
    arm, _, seed = what.rpartition("-")
    return (arm, [int(seed)]) if seed.isdecimal() and int(seed) in evidence.runs.get(arm, {}) else None


def budgets(project: "Project", *, unfinished: bool = False) -> list[str]:
    """Budgets that have a report, or with `unfinished` also those whose results are there without one."""
    reports, files = project.root / "reports", ("params.yaml", *(("ledger.jsonl",) if unfinished else ()))
    return sorted({path.parent.name for file in files for path in reports.glob(f"*/{file}")})


def budget_of(project: "Project", what: str) -> str | None:
    """The budget in which an arm has run, or an arm's seed such as `resnet50-0`: params.yaml's where it has run there.

    Returns:
        The budget, or None where it has run in none.

    Raises:
        UserError: it has run in several others, which are named.
    """
    import re

    from ferlab import params
    from ferlab.errors import UserError

    run = re.compile(rf"{re.escape(what)}(-\d+)?\.parquet")
    own = params.load(project.params).budget
    names = sorted({*budgets(project), own})
    folders = {name: project.reports(name) / "predictions" for name in names}
    having = [name for name, folder in folders.items() if folder.is_dir() and any(map(run.fullmatch, _names(folder)))]
    if own in having:
        return own
    if len(having) > 1:
        raise UserError(
            f"{what} has run in the budgets {', '.join(having)}",
            where=str(project.root / "reports"),
            next_step=f"say which you mean: --budget {having[0]}",
        )
    return having[0] if having else None


def _names(folder: "Path") -> list[str]:
    return [path.name for path in folder.iterdir()]
