"""`ferlab collapse`: at which settings a GAN family's images all look alike."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ferlab.params import Params
    from ferlab.params.study import GanStudy
    from ferlab.project import Project


def collapse(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="STUDY", help="A file of studies/, without its ending.")] = "collapse",
    setting: Annotated[list[str] | None, typer.Option(help="Only this setting; may be repeated.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Only this expression; may be repeated.")] = None,
    draws: Annotated[int | None, typer.Option(min=1, help="Only this many draws, from the first.")] = None,
    table: Annotated[bool, typer.Option("--table", help="Train nothing; rebuild the table and figure.")] = False,
) -> None:
    """Train a study's GANs, several draws per setting, and measure how varied their images are. Trains no classifier.

    GANs in reports/<study>/gans.jsonl aren't trained again. A killed training continues from its checkpoint.
    """
    from ferlab import params
    from ferlab.params.study import read_study
    from ferlab.project import Project

    project = Project.find()
    study, checked = read_study(project.root, name), params.load(project.params)
    _must_be_known("--setting", setting, study.points)
    _must_be_known("--label", label, study.labels)
    if not table:
        _must_suit(study, checked, name)
        chosen = (setting or study.points, label or study.labels, study.draws[:draws])
        _train(project, checked, study, name, chosen, quiet=context.obj["quiet"])
    typer.echo(_write(project, checked, study, name))


def _must_be_known(option: str, given: Collection[str] | None, known: Collection[str]) -> None:
    from ferlab.errors import UserError

    for value in given or ():
        if value not in known:
            raise UserError(f"the study has no '{value}'", where=option, next_step=f"it has {', '.join(known)}")


def _must_suit(study: "GanStudy", params: "Params", name: str) -> None:
    from ferlab.cli import gpu
    from ferlab.errors import UserError

    if params.data.kind != study.data:
        raise UserError(
            f"this study is of {study.data} faces, and params.yaml names {params.data.kind} ones",
            where=f"studies/{name}.yaml: data",
            next_step="`ferlab data add` or `ferlab data demo` changes them",
        )
    if params.compute.device == "cuda":
        gpu.must_be_here(None, "params.yaml", "`compute.device: cpu` in params.yaml")


def _train(
    project: "Project",
    params: "Params",
    study: "GanStudy",
    name: str,
    chosen: tuple[Collection[str], Collection[str], Collection[int]],
    *,
    quiet: bool,
) -> None:
    """Train the chosen settings, expressions and draws, and write the table after each."""
    from ferlab.ablation.collapse import candidates, run  # late: torch, which a table needs none of
    from ferlab.cli.progress import ShowProgress
    from ferlab.execution.signals import stop_on_signals
    from ferlab.records.assessed import AssessedGan
    from ferlab.training.observe import unseen

    def heard(line: AssessedGan) -> None:
        _write(project, params, study, name)

    stop_on_signals()
    every = candidates(project, params, study, quiet=quiet, progress=unseen if quiet else ShowProgress)
    settings, labels, draws = chosen
    run([one for one in every if one.point in settings and one.label in labels and one.draw in draws], name, heard)


def _write(project: "Project", params: "Params", study: "GanStudy", name: str) -> str:
    """reports/<study>/table.md and diversity.png, of what has been assessed; returns the table."""
    from ferlab.files import write_text
    from ferlab.records.assessed import read_assessed
    from ferlab.report import collapse as report
    from ferlab.report.page import Album

    folder, usual = project.reports(name), params.quality.collapse_ratio
    rows = report.rows(study, read_assessed(folder))
    text = report.markdown(study, rows, usual)
    write_text(folder / "table.md", text)
    if rows:
        Album(folder).keep("diversity", "", report.panel(rows, usual), report.size(rows))
    return text
