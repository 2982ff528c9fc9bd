"""`ferlab ablate` and `ferlab train`: questions to the pipeline."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli import complete
from ferlab.cli.cluster import On
from ferlab.cli.ready import data_must_be_here, warn_of_swapped

if TYPE_CHECKING:
    from ferlab.ablation.plan import Planned
    from ferlab.ablation.question import Question
    from ferlab.ablation.run import Parts
    from ferlab.execution.task import Executor
    from ferlab.project import Project

ASK_ABOVE = 100  # runs that nobody asks for by accident


Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="key=value for every run; a short key means the arm's own.", autocompletion=complete.key
    ),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Runs side by side; this never changes a result.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def ablate(
    context: typer.Context,
    arm: Annotated[str | None, typer.Option("--arm", help="The arm to ask about.", autocompletion=complete.arm)] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid", help="key=value,value,…; the first value of each is the baseline.", autocompletion=complete.key
        ),
    ] = None,
    settings: Settings = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds, from 0 up.")] = 1,
    file: Annotated[Path | None, typer.Option("--from", help="Read arm, seeds, set and grid from YAML.")] = None,
    jobs: Jobs = 1,
    on: On = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write the table too: .csv, .md or .json.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help=f"Don't ask before more than {ASK_ABOVE} runs.")] = False,
    dvc: Annotated[
        bool, typer.Option("--dvc", help="Run the whole pipeline at each point, as DVC's experiments.")
    ] = False,
) -> None:
    """Ask the pipeline a question: run an arm over a grid of changed parameters, and compare on the validation split.

    What has already run, here or in `dvc repro`, is not run again. After Ctrl-C the same command continues.
    """
    from ferlab import params
    from ferlab.ablation import question as questions
    from ferlab.ablation.summary import FORMATS
    from ferlab.errors import UserError
    from ferlab.files import must_be_a_file
    from ferlab.project import Project

    if file is None and arm is None:
        raise UserError("a question is of an arm", where="--arm", next_step="name one, or a file that does (--from)")
    if file and (arm or grid or settings):
        raise UserError(
            "a file (--from) says the whole question, its arm and grid too",
            where=str(file),
            next_step="leave out --arm, --grid and --set, or the file",
        )
    if out and out.suffix not in FORMATS:
        raise UserError(f"'{out.name}' ends in none of {', '.join(FORMATS)}", where="--out")
    if out:
        must_be_a_file(out, "name another file for --out")  # now, not after hours
    project = Project.find()
    loaded = params.load(project.params)
    question = (
        questions.read(loaded, file)
        if file
        else questions.ask(loaded, str(arm), range(seeds), settings or [], grid or [])
    )
    if dvc:
        from ferlab.cli.experiments import experiment

        if on:
            raise UserError("experiments of DVC run on this machine", where="--on", next_step="leave out --on or --dvc")
        if out:
            raise UserError("experiments make no table", where="--out", next_step="`dvc exp show --csv` prints one")
        if question.size > ASK_ABOVE and not (yes or dry_run):
            _confirm(question)
        experiment(project, question, jobs, dry_run, as_json)
        return
    _answer(project, question, jobs, dry_run, as_json, out, yes, context.obj["quiet"], on)


def train(
    context: typer.Context,
    arm: Annotated[str, typer.Argument(help="An arm of params.yaml.", autocompletion=complete.arm)],
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    settings: Settings = None,
    as_json: AsJson = False,
    parent: Annotated[
        str | None,
        typer.Option("--parent", hidden=True, help="Train here, for the question of this MLflow run."),
    ] = None,
) -> None:
    """Train one arm with one seed, and score it on the validation split."""
    from ferlab import params
    from ferlab.ablation import question as questions
    from ferlab.execution.signals import stop_on_signals
    from ferlab.project import Project

    project = Project.find()
    question = questions.ask(params.load(project.params), arm, [seed], settings or [], arm_is="ARM")
    if parent is not None:
        from ferlab.ablation.answer import answer

        stop_on_signals()
        (point,) = questions.points(question)
        answer(project, point, observe=_print_epoch, parent=parent)
        return
    _answer(project, question, 1, False, as_json, None, True, context.obj["quiet"])


def _answer(
    project: "Project",
    question: "Question",
    jobs: int,
    dry_run: bool,
    as_json: bool,
    out: Path | None,
    yes: bool,
    quiet: bool,
    on: str | None = None,
) -> None:
    from ferlab.ablation.run import run
    from ferlab.ablation.summary import summarise, write
    from ferlab.cli.ablation_plan import told
    from ferlab.cli.ablation_table import Display
    from ferlab.execution.signals import stop_on_signals

    if question.size > ASK_ABOVE and not (yes or dry_run):
        _confirm(question)
    planned = _plan(project, question)
    if dry_run:
        typer.echo(json.dumps([p.plain() for p in planned], indent=1) if as_json else told(question, planned, jobs))
        return
    warn_of_swapped(project, planned[0].params.data)
    if on is None:
        _need_device(project, question, planned)
    stop_on_signals()
    with _executor(project, question, planned, jobs, on) as (executor, parts):
        if not (quiet or as_json):
            typer.echo(told(question, planned, jobs))
        with Display(question, planned, jobs, quiet or as_json) as display:
            results = run(project, question, planned, executor, parts, display.watch, display.heard)
    table = summarise(project, question, results)
    if out:
        write(table, out)
    failed = [result for result in results if result.source == "failed"]
    if as_json:
        rows = json.loads(table.to_json(orient="records"))
        typer.echo(json.dumps({"summary": rows, "runs": [result.plain() for result in results]}, indent=1))
    else:
        display.show(table)
    for result in failed:
        print(f"failed: {result.point.title}, seed {result.point.seed}: {result.error}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def _plan(project: "Project", question: "Question") -> "list[Planned]":
    """The question's points. What is missing in a new project is said with what it costs to make."""
    from ferlab import params
    from ferlab.ablation.checkout import NoSearchError
    from ferlab.ablation.plan import Planner
    from ferlab.cli.progress import duration
    from ferlab.execution.cost import expected

    if not project.work.is_dir():
        data_must_be_here(project)
    try:
        return Planner(project).plan(question)
    except NoSearchError as error:
        seconds = expected(project, params.load(project.params))(("ferlab", "stage", "tune", error.classifier))
        raise NoSearchError(error.arm, error.classifier, error.path, f", in about {duration(seconds)}") from None


@contextmanager
def _executor(
    project: "Project", question: "Question", planned: "list[Planned]", jobs: int, on: str | None
) -> "Iterator[tuple[Executor, Parts]]":
    """Who runs a question's tasks, and what of a stage is done side by side ahead of it."""
    from ferlab.execution.labels import labels_apart

    data = planned[0].params.data
    if on is None:
        from ferlab.execution.local import Local

        yield Local(project.state, jobs), labels_apart(jobs, data)
        return
    from ferlab.ablation.away import Taking, back
    from ferlab.cli.cluster import cluster
    from ferlab.stages.away import given

    with cluster(on, jobs, [one.params for one in planned], _where_device(question)) as url:
        from ferlab.execution.ray.executor import OnRay

        yield OnRay(project, Taking(project), given(project), back(), url), labels_apart(1, data)


def _need_device(project: "Project", question: "Question", planned: "list[Planned]") -> None:
    """Raise a UserError where some of what is left to run asks for a GPU and there is none."""
    from ferlab.ablation.run import cost
    from ferlab.cli import gpu

    asking = [one for one in planned if one.state == "to run" and one.params.compute.device == "cuda"]
    if asking:
        gpu.must_be_here(cost(project, asking), _where_device(question), "`--set compute.device=cpu`")


def _where_device(question: "Question") -> str:
    """What says on which device a question's runs are trained."""
    key = "compute.device"
    if key in question.settings:
        return f"--set {key}={question.settings[key]}"
    return f"--grid {key}={','.join(question.grid[key])}" if key in question.grid else f"params.yaml: {key}"


def _confirm(question: "Question") -> None:
    from ferlab.errors import UserError

    asked = f"this question asks for {question.size:,} runs"
    if not sys.stdin.isatty():
        raise UserError(asked, where="the question", next_step="narrow its grid, or say --yes")
    if not typer.confirm(f"{asked}; go on?"):
        raise typer.Exit(1)


def _print_epoch(epoch: int, values: Mapping[str, float]) -> None:
    accuracy = f", {values['valid_accuracy']:.2%}" if "valid_accuracy" in values else ""
    print(f"epoch {epoch}{accuracy}", flush=True)
