"""`ferlab tune`: search a classifier's settings, alone or as one of several workers."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ferlab.cli import complete
from ferlab.cli.cluster import On
from ferlab.cli.ready import data_must_be_here

if TYPE_CHECKING:
    from ferlab.adapters.study import Storage
    from ferlab.adapters.tuning import TrialRow
    from ferlab.project import Project
    from ferlab.stages.context import Context
    from ferlab.stages.tune import Bench

    Search = Callable[[Bench, Storage], list[TrialRow]]


def tune(
    context: typer.Context,
    classifier: Annotated[
        str, typer.Argument(help="A row of params.yaml's classifiers.", autocompletion=complete.classifier)
    ],
    trials: Annotated[int | None, typer.Option(help="How many in total, over all workers and restarts.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of each trial.")] = None,
    fraction: Annotated[float | None, typer.Option(help="Share of the training split that a trial sees.")] = None,
    space: Annotated[
        list[str] | None,
        typer.Option(help="Search a further key: key=LOW..HIGH, key=LOW..HIGH:log or key=A,B,C. May be repeated."),
    ] = None,
    only: Annotated[
        bool, typer.Option("--only", help="Search only the keys of --space, whatever tune.space names.")
    ] = False,
    storage: Annotated[
        str | None, typer.Option(help="Optuna's storage URL; default: a file of the project's own.")
    ] = None,
    study: Annotated[str | None, typer.Option(help="The study's name; default: made from what is searched.")] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Workers side by side, here or with --on there.")
    ] = 1,
    on: On = None,
    fail: Annotated[
        int | None, typer.Option(help="Only mark this trial failed: its worker died on another machine.")
    ] = None,
) -> None:
    """Search settings of one classifier on train and validation, as params.yaml's `tune` says.

    With --jobs, or started on several machines, it has several workers on one study; with --on they work on a cluster.
    Without options the study is the pipeline's own: `dvc repro` then finds its trials done, and writes work/tuned/. The
    next start resumes a killed trial.
    """
    from ferlab import params
    from ferlab.cli import gpu
    from ferlab.cli.progress import ShowProgress
    from ferlab.errors import UserError
    from ferlab.execution.cost import expected
    from ferlab.params.near import did_you_mean
    from ferlab.project import Project
    from ferlab.training.observe import unseen
    from ferlab.yaml_file import dump_yaml, read_yaml

    project = Project.find()
    tree = read_yaml(project.params)
    own = params.check(tree, "params.yaml")
    if classifier not in own.classifiers:
        raise UserError(
            f"there is no classifier '{classifier}'",
            where="CLASSIFIER",
            next_step=f"params.yaml defines {', '.join(own.classifiers)}{did_you_mean(classifier, own.classifiers)}",
        )
    wanted = {"trials": trials, "epochs": epochs, "fraction": fraction}
    for option, value in wanted.items():
        if value is not None:
            tree["tune"]["train_fraction" if option == "fraction" else option] = value
            params.check(tree, f"--{option} {value}")
    lay_space(tree, classifier, space or [], only=only)
    typed = " ".join(f"--space {text}" for text in space or ()) + " --only" * only
    checked = params.check(tree, typed.strip() or f"params.yaml, searched for '{classifier}'")

    if not project.work.is_dir():
        data_must_be_here(project)
    if checked.compute.device == "cuda" and fail is None and on is None:
        seconds = expected(project, checked)(("ferlab", "stage", "tune", classifier))
        gpu.must_be_here(seconds, "params.yaml: compute.device", "`compute.device: cpu` in params.yaml")

    from ferlab.adapters.tuning import best, describe  # late: they load torch, which a wrong option needn't wait for
    from ferlab.adapters.tuning import fail as mark_failed
    from ferlab.execution.signals import stop_on_signals
    from ferlab.stages import tune as stage
    from ferlab.stages.away import Elsewhere
    from ferlab.stages.context import Context

    quiet = context.obj["quiet"]
    progress = unseen if quiet or (on and jobs > 1) else ShowProgress
    kind = Context if on is None else Elsewhere
    call = kind(project, stage.STAGE, {"classifier": classifier}, checked, quiet, progress=progress)
    call.require_inputs()
    stop_on_signals()
    place, name = stage.storage_of(call, storage), study or stage.study_name(call)
    if fail is not None:
        mark_failed(place, name, fail)
        return
    if jobs > 1 and on is None:
        if storage is not None:  # a worker's words are seen by everyone here, its environment isn't
            os.environ["FERLAB_STUDY_STORAGE"] = storage
        given = {"trials": trials, "epochs": epochs, "fraction": fraction, "study": study}
        options = [(f"--{key}", str(value)) for key, value in given.items() if value is not None]
        options += [("--space", text) for text in space or []]
        words = ("ferlab", "tune", classifier, *(word for option in options for word in option))
        words += ("--only",) * only
        if _work(project, classifier, words, jobs, quiet):
            raise typer.Exit(1)
    with _searching(call, dump_yaml(tree), jobs, on) as search, stage.bench(call, place, name) as at:
        rows = search(at, place)
    for row in rows:
        typer.echo(describe(row))
    for row in best(rows):
        typer.echo(f"best: {describe(row)} (study {name})")
    at_work = any(row.state == "RUNNING" for row in rows)  # another worker's, which may yet rank
    if not at_work and (flat := stage.flat_words(at, rows)):
        typer.echo(flat)


@contextmanager
def _searching(call: "Context", laid: str, jobs: int, on: str | None) -> "Iterator[Search]":
    """What runs a study's trials to their total: this process, or with --on a cluster.

    Args:
        laid: params.yaml with the command line's options, for nodes.
    """
    from ferlab.stages import trial, tune

    if on is None:
        yield lambda at, storage: tune.search_on(at, storage, wait=False)
        return
    from ferlab.cli.cluster import DEVICE, cluster
    from ferlab.files import write_text
    from ferlab.stages.away import given

    with tempfile.TemporaryDirectory() as folder, cluster(on, jobs, [call.params], DEVICE) as url:
        from ferlab.execution.ray.executor import OnRay

        params = Path(folder) / "params.yaml"
        write_text(params, laid)
        executor = OnRay(call.project, lambda *_: None, given(call.project) | {params.name: params}, checkpoints=url)
        yield lambda at, storage: trial.search(at, storage, jobs, executor, executor.stop, url)


def _work(project: "Project", classifier: str, words: tuple[str, ...], jobs: int, quiet: bool) -> list[str]:
    """Let so many workers search side by side; returns the names of those that failed."""
    from ferlab.execution.local import Local
    from ferlab.execution.task import Event, Task

    logs = project.state / "logs"
    names = [f"tune-{classifier}-{number}" for number in range(jobs)]

    def tell(event: Event) -> None:
        if event.kind == "stopping" and not quiet:
            print(f"{event.task.name}: asked to stop", file=sys.stderr, flush=True)
        if event.kind == "failed" or (event.kind == "printed" and not quiet):
            print(f"{event.task.name}: {event.text}", file=sys.stderr, flush=True)

    tasks = [Task(name, words, project.root, logs / f"{name}.log") for name in names]
    return Local(project.state, jobs).run(tasks, tell).failed


def lay_space(tree: Any, classifier: str, space: list[str], *, only: bool) -> None:
    """Let what params.yaml says search a classifier, and these keys too.

    Args:
        tree: the values of params.yaml; changed in place.
        only: these keys alone, since the classifier needn't have those that others are searched by; then no other
            classifier is searched, and no arm waits for that.
    """
    if only:
        tree["tune"].update({"space": {}, "reference": {}})
        tree["run"]["tuned"] = []
        for arm in tree["arms"].values():
            arm["tuned"] = False
    tree["tune"]["space"].update(dict(parse(text) for text in space))
    if classifier not in tree["run"]["tuned"]:
        tree["run"]["tuned"].append(classifier)


def parse(text: str) -> tuple[str, Any]:
    """`key=LOW..HIGH`, `key=LOW..HIGH:log` or `key=A,B,C` as the schema of params.yaml has it.

    Raises:
        UserError: none of them.
    """
    from ferlab.errors import UserError
    from ferlab.yaml_file import read_value

    key, equals, words = text.partition("=")
    if not equals or not key or not words:
        raise UserError(
            f"'{text}' is no part of a space",
            where="--space",
            next_step="write key=LOW..HIGH, key=LOW..HIGH:log or key=A,B,C",
        )
    bounds, _, scale = words.partition(":")
    low, dots, high = bounds.partition("..")
    if not dots:
        return key, [read_value(word, "--space") for word in words.split(",")]
    values = read_value(low, "--space"), read_value(high, "--space")
    if scale not in ("", "log") or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        raise UserError(
            f"'{words}' is no range of numbers", where=f"--space {key}", next_step="write LOW..HIGH or LOW..HIGH:log"
        )
    return key, {"low": values[0], "high": values[1], "log": scale == "log"}
