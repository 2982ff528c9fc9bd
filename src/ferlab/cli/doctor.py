"""`ferlab doctor`: is this machine and project ready?"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ferlab.params import Params
    from ferlab.project import Project

LITTLE_DISK_GIB = 5


def doctor(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Check the environment, stores, data, disk, threads, GPU and DVC remotes, and say what to fix.

    Exit code 2 if something needs fixing. Notes are only worth knowing.
    """
    from ferlab.cli.progress import ShowSteps
    from ferlab.project import Project

    project = Project.find()
    with ShowSteps(context.obj["quiet"]) as say:
        facts, notes, problems = _look(project, say)
    if as_json:
        typer.echo(json.dumps({"facts": facts, "notes": notes, "problems": problems}, indent=1))
    else:
        for name, value in facts.items():
            typer.echo(f"{name}: {value}")
        for note in notes:
            typer.echo(f"NOTE: {note}")
        for problem in problems:
            typer.echo(f"TO FIX: {problem}")
        typer.echo("all is well" if not problems else f"{len(problems)} to fix")
    if problems:
        raise typer.Exit(2)


def _look(project: "Project", say: Callable[[str], None]) -> tuple[dict[str, Any], list[str], list[str]]:
    """Facts, notes and problems; `say` is told each check as it begins, since some take seconds."""
    say("loading what ferlab is built on")
    import os
    import platform
    import shutil
    from importlib.metadata import version

    import torch

    from ferlab import params
    from ferlab.adapters.owners import running, shown
    from ferlab.adapters.store import OURS, connect, deleted, trash
    from ferlab.code.check import fault
    from ferlab.code.commit import read_commit
    from ferlab.code.source import SOURCE
    from ferlab.errors import UserError, masked, printable
    from ferlab.execution.dvc import must_be_readable
    from ferlab.execution.remotes import look
    from ferlab.files import disk_errors, sha256_file
    from ferlab.layout.pipeline import outdated
    from ferlab.stages.ledger import differences

    say("comparing the code and what is installed with the project's")
    notes: list[str] = []
    problems: list[str] = []
    commit = read_commit(project)
    installed = differences(project.code_home / "requirements.lock")
    unlike = [f"{name} {here or 'absent'} for {there or 'none'}" for name, (there, here) in installed.items()]
    packages = ("dvc", "mlflow", "optuna", "torch", "torchvision", "scikit-learn", "pandas")
    free = shutil.disk_usage(project.root).free / 2**30
    locked = project.root / "requirements.lock"
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in packages),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "free disk": f"{free:.0f} GiB",
        "project": str(project.root),
        "code that runs": str(SOURCE),
        "commit": str(commit),
        "installed unlike requirements.lock": (", ".join(unlike) or "nothing") if locked.is_file() else "there is none",
        "tracking store": masked(project.tracking_uri),
        "kept checkpoints": _size(project.state / "inflight"),
    }
    facts["parts of other packages"], unusable = _parts()
    notes += unusable
    if found := fault(project):
        problems.append(str(found))
    if commit.reason:
        problems.append(f"results would name no commit, because {commit.reason}; {commit.mend}")
    missing = [tool for tool in ("git", "dvc", "ferlab") if shutil.which(tool) is None]
    if missing:
        problems.append(f"{', '.join(missing)} can't be found; activate the environment: . .venv/bin/activate")
    if free < LITTLE_DISK_GIB:
        problems.append(f"only {free:.1f} GiB of disk are free; {LITTLE_DISK_GIB} are a comfortable minimum")
    say("reading params.yaml and the data")
    try:
        settings = params.load(project.params)
        facts["budget"], facts["threads"] = settings.budget, settings.compute.threads
        if settings.compute.threads > (os.cpu_count() or 1):
            problems.append(f"compute.threads is {settings.compute.threads}, the machine has {os.cpu_count()} cores")
        for dataset in dict.fromkeys((*settings.data.used, *settings.run.evaluate_on)):
            path, own = project.data / f"{dataset}.zip", settings.data.sets.get(dataset)
            add = f"`ferlab data add --as {own.form} --name {dataset} …`" if own else "`ferlab data add …`"
            if not path.is_file():
                problems.append(f"data/{path.name} is missing: {add if own else f'`ferlab data demo` or {add}'}")
            elif sha256_file(path) != settings.data.sha256(dataset):
                problems.append(f"data/{path.name} is not the file that params.yaml names: {add}")
        if settings.compute.device == "cuda" and not torch.cuda.is_available():
            problems.append(
                "params.yaml asks for a GPU and none is here: set compute.device to cpu or auto, or use another machine"
            )
        facts["data"] = settings.data.kind
        if settings.data.kind == "demo" and not settings.data.allow_demo:
            problems.append(
                f"the budget '{settings.budget}' is meant for real faces and data/ holds drawn ones: "
                "`ferlab data add …`, or `ferlab budget use demo`"
            )
        problems += _edited(project, settings)
    except UserError as error:
        problems.append(str(error))
    say("asking DVC and its remotes")
    try:
        must_be_readable(project)
        if names := outdated(project):
            problems.append(f"dvc.yaml has {', '.join(names)} otherwise than this ferlab: `ferlab code` lays them anew")
        seen = look(project)
        facts["DVC remotes"] = ", ".join(f"{name} ({url})" for name, url in seen.remotes.items()) or "none"
        notes += seen.notes
        problems += seen.problems
    except UserError as error:
        problems.append(str(error))
    say("asking MLflow's store")
    try:
        with disk_errors(project.state):  # else a project that can't be written would end the look at it
            client = connect(project)
        runs = client.search_experiments()
        facts["experiments"] = ", ".join(sorted(e.name for e in runs))
        facts["runs at work"] = ", ".join(printable(shown(run)) for run in running(client, OURS)) or "none"
        problems += [str(trash(project, one)) for one in deleted(client)]
    except UserError as error:
        problems.append(str(error))
    return facts, notes, problems


def _parts() -> tuple[str, list[str]]:
    """What other packages bring, and a sentence for each of it that can't be used."""
    from ferlab.datasets.own import own_form
    from ferlab.gan.families import family_named
    from ferlab.params.own import own_classifier
    from ferlab.parts import CLASSIFIERS, DATASETS, GANS, offers, usable

    said, faults = list[str](), list[str]()
    for group, load in ((CLASSIFIERS, own_classifier), (GANS, family_named), (DATASETS, own_form)):
        found, unusable = usable(group, load)
        said += (f"{offer.kind} {name} of {offer.package}" for name, offer in offers(group).items() if name in found)
        faults += unusable
    return ", ".join(said) or "none", faults


def _edited(project: "Project", settings: "Params") -> list[str]:
    """Classifiers of other packages whose code isn't the one that trainings are named by: DVC doesn't see it change."""
    from ferlab.classifiers.catalogue import METHODS
    from ferlab.code.closure import closure_hash
    from ferlab.records.plan import MethodCode

    found = []
    for name, classifier in settings.classifiers.items():
        noted = project.work / "code" / f"{name}.json"
        method = METHODS[classifier.method]
        if not method.package and noted.is_file() and MethodCode.read(noted).sha256 != closure_hash(method.path):
            found.append(
                f"the code of classifiers.{name} has changed since its trainings were planned: "
                "`dvc repro --force code`, and name its source among the deps of that stage (docs/guide/own_parts.md)"
            )
    return found


def _size(folder: Any) -> str:
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{total / 2**20:.0f} MiB in {folder} (safe to delete when nothing runs)"
