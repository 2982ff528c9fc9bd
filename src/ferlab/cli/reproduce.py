"""`ferlab reproduce`: a budget's whole pipeline, several runs at once, in sittings of bounded length."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli import complete
from ferlab.cli.cluster import On, must_suit, pipeline_on
from ferlab.cli.gpu import MOST_AT_ONCE
from ferlab.cli.ready import data_must_be_here, params_must_be_free

if TYPE_CHECKING:
    from ferlab.params import Params
    from ferlab.project import Project

TIME_UP = 3  # exit code: not finished yet
_UNITS = {"s": 1, "m": 60, "h": 3600}


def reproduce(
    context: typer.Context,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            help="Lay this budget on params.yaml first; default: leave it as it is.",
            autocompletion=complete.budget,
        ),
    ] = None,
    limit: Annotated[
        str | None,
        typer.Option("--time-limit", help="Stop after this time and keep the checkpoints: 90s, 25m or 1h30m."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Stages side by side, on one GPU too.")] = 1,
    pack: Annotated[
        int,
        typer.Option(
            "--pack",
            min=0,
            max=MOST_AT_ONCE,
            help="On a GPU, train this many networks and GANs at once in one process; 0: none.",
        ),
    ] = 0,
    on: On = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Continue from checkpoints, or set them aside and start over.")
    ] = True,
    bring: Annotated[
        Path | None, typer.Option("--bring", help="Copy the small files to a folder: results and settings, no weights.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is due and how long it takes here, and stop.")
    ] = False,
) -> None:
    """Do what `dvc repro` does, several stages at once and within a time limit. The same command continues.

    Exit code 0: all is done; 3: the time was up before; 1: a stage failed; 2: wrong input; 130: Ctrl-C.
    """
    import math

    from ferlab.execution import lifeline
    from ferlab.execution.signals import stop_on_signals
    from ferlab.project import Project

    seconds = parse_duration(limit) if limit is not None else math.inf
    deadline = time.monotonic() + seconds
    project = Project.find()
    if bring:
        _must_be_a_place(bring.resolve(), project)
    if dry_run:
        _estimate(project, budget, jobs)
        return
    data_must_be_here(project)
    settings = _lay(project, budget)
    if pack:
        _must_be_on_a_gpu(settings)
    if on is not None:
        must_suit(settings, pack, resume)
    if not resume:
        _set_aside(project)

    from ferlab.cli.page import make_page, told_if_stopped
    from ferlab.cli.sitting import Sitting
    from ferlab.report.lock import keep_lock

    stop_on_signals()
    quiet, page = context.obj["quiet"], project.reports(settings.budget) / "index.html"
    with told_if_stopped(page), lifeline.held(project.state):  # between rounds too, that params.yaml stays as it is
        if on is None:
            sitting = Sitting(project, settings, jobs, deadline, pack=pack, quiet=quiet)
            outcome = sitting.run()
        else:
            with pipeline_on(on, jobs, project, settings) as (executor, away, at_once):
                sitting = Sitting(project, settings, at_once, deadline, quiet=quiet, executor=executor, away=away)
                outcome = sitting.run()
    keep_lock(project, settings.budget)
    unfinished = sitting.stages - len(outcome.done) - len(outcome.failed)
    if outcome.failed or unfinished:
        make_page(project, page, outcome.done, sitting.say)
    if bring:
        _bring(project, settings.budget, bring)
    typer.echo(
        f"{settings.budget}: {len(outcome.done)} of {sitting.stages} stages done"
        + (f", {len(outcome.failed)} failed: {', '.join(outcome.failed)}" if outcome.failed else "")
        + (f", {unfinished} to go; the same command continues" if unfinished else "")
    )
    if not outcome.failed and not unfinished:
        typer.echo(f"the page: {page}; `ferlab verify` recomputes its numbers")
    if outcome.failed:
        raise typer.Exit(1)
    if unfinished:
        raise typer.Exit(TIME_UP)


def _lay(project: "Project", budget: str | None) -> "Params":
    """Lay a budget on params.yaml, unless it is there already, and return what params.yaml says then.

    Raises:
        UserError: there is no such budget, or it is one for a GPU and there is none, or what lies there has work for
            one; or another command is at work by it. params.yaml is as it was.
    """
    from ferlab import params
    from ferlab.cli import gpu
    from ferlab.execution.cost import of_budget
    from ferlab.files import write_text
    from ferlab.params.budgets import left_out, with_budget
    from ferlab.report.lock import keep_lock

    settings = before = params.load(project.params)
    text, source, instead = None, "params.yaml", "`compute.device: cpu` in params.yaml"
    if budget and budget != settings.budget:
        params_must_be_free(project)
        text, settings = with_budget(project.root, budget)
        source = f"budgets/{budget}.yaml"
        instead = f"`ferlab budget use {budget}`, then {instead} and `ferlab reproduce` without --budget,"
    if settings.compute.device == "cuda" and not gpu.is_here() and (text is not None or _is_due(project)):
        gpu.must_be_here(of_budget(project, settings).seconds, f"{source}: compute.device", instead)
    if text is not None:
        keep_lock(project, before.budget)
        write_text(project.params, text)
        for sentence in left_out(project.root, before, settings):
            typer.echo(f"warning: {sentence}", err=True)
    return settings


def _is_due(project: "Project") -> bool:
    """Whether anything is to be run with params.yaml as it is."""
    from ferlab.execution.dvc import due_tasks

    return due_tasks(project, lambda _: 0.0, lambda *_: {}, threads=1).stages > 0


def _estimate(project: "Project", budget: str | None, jobs: int) -> None:
    """Print what `reproduce` would do and what it costs; nothing is written."""
    from ferlab import params
    from ferlab.cli import estimate
    from ferlab.params.budgets import with_budget

    settings = params.load(project.params)
    if budget and budget != settings.budget:
        typer.echo(estimate.whole(project, with_budget(project.root, budget)[1]))
        typer.echo("params.yaml holds another budget now; how much of this one is done shows once it is laid")
    else:
        typer.echo(estimate.due(project, settings, jobs))


def _must_be_on_a_gpu(settings: "Params") -> None:
    """Raise a UserError where trainings run on the CPU, on which nothing is packed."""
    from ferlab.errors import UserError
    from ferlab.training.seeding import resolve_device

    if resolve_device(settings.compute.device) == "cpu":
        raise UserError(
            "only trainings on a GPU are packed, and this budget's run on the CPU",
            where="--pack",
            next_step="leave it out (--jobs runs stages side by side), or set compute.device to cuda",
        )


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `25m` or `1h30m`.

    Raises:
        UserError: none of them.
    """
    from ferlab.errors import UserError

    parts = re.findall(r"(\d+(?:\.\d+)?)([smh])", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not seconds or "".join(number + unit for number, unit in parts) != text.strip():
        raise UserError(f"'{text}' is not a length of time", where="--time-limit", next_step="write 90s, 25m or 1h30m")
    return seconds


def _must_be_a_place(target: Path, project: "Project") -> None:
    """Raise a UserError unless `target` is a folder, or can become one, beside the project."""
    from ferlab.errors import UserError

    if target == project.root:
        raise UserError("the results are here already", where="--bring", next_step="name another folder")
    there = next(path for path in (target, *target.parents) if path.exists())
    if not there.is_dir():
        raise UserError(f"{there} isn't a folder", where="--bring", next_step="name another folder")


def _set_aside(project: "Project") -> None:
    """Begin anew without losing what was in flight."""
    inflight = project.state / "inflight"
    if inflight.exists():
        aside = project.state / f"inflight-{time.strftime('%Y%m%dT%H%M%S')}"
        inflight.rename(aside)
        typer.echo(f"checkpoints in flight are set aside in {aside}", err=True)


def _bring(project: "Project", budget: str, target: Path) -> None:
    """Copy reports/<budget>, params.yaml and dvc.lock: all that a commit of the results needs. Deletes nothing."""
    from ferlab.files import atomic_write

    results = (path for path in project.reports(budget).rglob("*") if path.is_file())
    for path in (project.params, project.root / "dvc.lock", *results):
        if path.exists():
            place = target / path.relative_to(project.root)
            place.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(place) as handle:
                handle.write(path.read_bytes())
