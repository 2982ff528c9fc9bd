"""What the shell may complete: names of this project. Outside one, or where params.yaml is broken, nothing."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ferlab.params import Params
    from ferlab.project import Project

Complete = Callable[[str], list[str]]


def _completer(names: "Callable[[Project], Iterable[str]]") -> Complete:
    """Of the names in a project those that begin as what is typed."""

    def complete(incomplete: str) -> list[str]:
        from ferlab.errors import UserError
        from ferlab.project import Project

        try:
            return [name for name in names(Project.find()) if name.startswith(incomplete)]
        except (UserError, OSError):  # a shell has no place for a message
            return []

    return complete


def _params(project: "Project") -> "Params":
    from ferlab import params

    return params.load(project.params)


@_completer
def arm(project: "Project") -> Iterable[str]:
    """Arms of params.yaml."""
    return _params(project).arms


@_completer
def classifier(project: "Project") -> Iterable[str]:
    """Classifiers of params.yaml."""
    return _params(project).classifiers


@_completer
def budget(project: "Project") -> Iterable[str]:
    """Files of budgets/."""
    return sorted(path.stem for path in (project.root / "budgets").glob("*.yaml"))


@_completer
def report(project: "Project") -> Iterable[str]:
    """Budgets that have a report."""
    from ferlab.cli.folder import budgets

    return budgets(project)


@_completer
def run(project: "Project") -> Iterable[str]:
    """Trained arms with their seeds, in work/runs/."""
    folder = project.work / "runs"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@_completer
def side(project: "Project") -> Iterable[str]:
    """What `compare` takes: arms and runs that have predictions in the report of params.yaml's budget."""
    folder = project.reports(_params(project).budget) / "predictions"
    runs = sorted(path.stem for path in folder.glob("*.parquet"))
    return [*dict.fromkeys(run.rpartition("-")[0] for run in runs), *runs]


def key(context: typer.Context, incomplete: str) -> list[str]:
    """Keys of params.yaml that a question may change, short where they are the arm's own."""
    from ferlab.ablation.keys import known_keys
    from ferlab.errors import UserError
    from ferlab.project import Project

    if "=" in incomplete:
        return []
    try:
        settings = _params(Project.find())
    except UserError:
        return []
    arm = context.params.get("arm") or next(iter(settings.arms))
    if arm not in settings.arms:
        return []
    keys = list(known_keys(settings, arm))
    own = (f"arms.{arm}.", f"classifiers.{settings.arms[arm].classifier}.")
    short = [name.removeprefix(own[0]).removeprefix(own[1]) for name in keys]
    return [f"{name}=" for name in sorted({*short, *keys}) if name.startswith(incomplete)]
