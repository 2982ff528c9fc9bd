"""What commands cost beside many MLflow runs, and how costs grow with runs, seeds and images.

    python benchmarks/many_runs.py [--runs 2000]          a table
    python benchmarks/many_runs.py --plot docs/figures/growth.png

Processor seconds. The store is filled in bulk: one transaction of MLflow's own tables, seconds for thousands of runs.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun, SqlTag
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from rich.console import Console
from rich.live import Live
from sqlalchemy import insert

from ferlab.ablation.plan import Planned
from ferlab.ablation.question import Point, Question, points
from ferlab.ablation.result import Result
from ferlab.adapters.runs import fetch_predictions
from ferlab.adapters.store import connect, make_experiment
from ferlab.adapters.tracking import IDENTITY, RUN_KEY, find_named, tracked
from ferlab.cli.ablation_table import Display
from ferlab.data.neighbours import near_pairs
from ferlab.evaluation import predictions
from ferlab.evaluation.contrast import contrast
from ferlab.evaluation.predictions import Predictions
from ferlab.project import Project
from ferlab.records.answer import Answer

REPOSITORY = Path(__file__).parents[1]
EPOCHS, PARAMS, METRICS = 20, 60, 5  # of each run, about as many as ours have
TEST = 3589  # images of FER-2013's test split
TARGET = 3.0  # seconds


def fill(project: Project, runs: int) -> list[str]:
    """Give a project's store finished runs of the experiment `classifiers`; returns their ids, oldest first."""
    experiment = int(make_experiment(project, connect(project), "classifiers"))
    store = SqlAlchemyStore(project.tracking_uri, (project.root / "mlruns").as_uri())
    ids = [uuid.uuid4().hex for _ in range(runs)]
    place = (project.root / "mlruns" / "classifiers").as_uri()
    same = {"experiment_id": experiment, "status": "FINISHED", "lifecycle_stage": "active", "user_id": "bench"}
    rows: dict[type, list[dict[str, object]]] = {
        SqlRun: [],
        SqlTag: [],
        SqlParam: [],
        SqlMetric: [],
        SqlLatestMetric: [],
    }
    for n, run in enumerate(ids):
        own = {"run_uuid": run, "name": f"resnet50-{n}", "start_time": n, "end_time": n + 1}
        rows[SqlRun].append(same | own | {"artifact_uri": f"{place}/{run}/artifacts"})
        tags = {IDENTITY: f"identity-{n}", RUN_KEY: f"train-resnet50-{n}", "stage": "train", "arm": "resnet50"}
        rows[SqlTag] += ({"run_uuid": run, "key": key, "value": value} for key, value in tags.items())
        rows[SqlParam] += ({"run_uuid": run, "key": f"settings.{i}", "value": str(i)} for i in range(PARAMS))
        for i in range(METRICS):
            value = {"run_uuid": run, "key": f"metric_{i}", "value": 0.5, "is_nan": False}
            rows[SqlMetric] += (value | {"timestamp": step, "step": step} for step in range(EPOCHS))
            rows[SqlLatestMetric].append(value | {"timestamp": EPOCHS - 1, "step": EPOCHS - 1})
    with store.ManagedSessionMaker() as session:
        for table_, lines in rows.items():
            session.execute(insert(table_), lines)
    return ids


def guesses(seed: int, images: int = TEST) -> Predictions:
    """A made-up run's predictions."""
    chance = np.random.default_rng(seed)
    odds = chance.dirichlet(np.ones(7), images)
    truth = np.random.default_rng(0).integers(0, 7, images)
    return Predictions(tuple(map(str, range(images))), truth, odds, f"run-{seed}")


def keep_predictions(project: Project, run: str, seed: int) -> None:
    folder = project.root / "mlruns" / "classifiers" / run / "artifacts" / "predictions"
    folder.mkdir(parents=True)
    predictions.write(folder / "resnet50.parquet", guesses(seed))


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of this process and its children."""

    def spent() -> float:
        told = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in told)

    before = spent()
    work()
    return spent() - before


def track(project: Project, name: str) -> None:
    """Open and end a run as a stage does."""
    with tracked(project, "classifiers", name, identity=name, params={"a": 1}, tags={"stage": "train"}) as run:
        run.observe(1, {"valid_accuracy": 0.5})


def compare(project: Project, first: str, second: str) -> None:
    """`ferlab compare` of two MLflow runs, in this process."""
    sides = []
    for run in (first, second):
        with tempfile.TemporaryDirectory() as folder:
            sides.append({None: predictions.read(fetch_predictions(project, run, Path(folder))[1])})
    contrast(sides[0], sides[1], ("first", "second"))


def command(store: str, *words: str) -> None:
    """A command in a process of its own, in this repository but with another store."""
    program = f"import sys; sys.argv = {['ferlab', *words]!r}; from ferlab.cli.main import main; main()"
    environment = os.environ | {"MLFLOW_TRACKING_URI": store, "OMP_WAIT_POLICY": "passive"}
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, env=environment, check=True, capture_output=True)


def live_table(runs: int, seeds: int = 5) -> None:
    """The live table of a question of so many runs, each of which says something twice and ends."""
    values = tuple(range(runs // seeds))
    question = Question("resnet50", tuple(range(seeds)), grid={"classifiers.resnet50.lr": values})
    asked = points(question)
    params, plan = object(), object()  # the display asks for neither
    planned = [Planned(one, params, plan, None, "to run", 60.0, Path()) for one in asked]  # type: ignore[arg-type]
    display = Display(question, planned, 2, silent=False)
    with Path(os.devnull).open("w") as nowhere:
        display._live = Live(console=Console(file=nowhere, force_terminal=True), refresh_per_second=2)
        _show(display, asked)


def _show(display: Display, asked: list[Point]) -> None:
    with display:
        for n, one in enumerate(asked):
            display.watch(one, "epoch 1 of 2")
            display.watch(one, "epoch 2 of 2")
            answer = Answer(
                identity=str(n),
                accuracy=0.5 + (n % 7) / 100,
                selected_epoch=1,
                seconds=60.0,
                mlflow_run=None,
                source="run",
            )
            display.heard(Result(one, "run", answer))


def table(runs: int) -> Iterator[tuple[str, float]]:
    """What is measured beside so many runs."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        began = time.monotonic()
        ids = fill(project, runs)
        yield f"(making the store of {runs} runs, on the clock)", time.monotonic() - began
        for seed, run in enumerate(ids[:2]):
            keep_predictions(project, run, seed)
        yield "connecting", seconds(lambda: connect(project))
        yield "finding a training by its identity", seconds(lambda: find_named(project, "classifiers", "identity-7"))
        yield "opening and ending a run", seconds(lambda: track(project, "train-new-0"))
        yield "comparing two MLflow runs", seconds(lambda: compare(project, *ids[:2]))
        store = project.tracking_uri
        yield "`ferlab compare RUN RUN`, start included", seconds(lambda: command(store, "compare", *ids[:2]))
        yield (
            "`ferlab compare resnet50 resnet50-dcgan --budget cpu`",
            seconds(lambda: command(store, "compare", "resnet50", "resnet50-dcgan", "--budget", "cpu")),
        )
    yield f"the live table of {runs} runs, from first to last", seconds(lambda: live_table(runs))


def growth(path: Path) -> None:
    """Draw how costs grow, each with a line that grows in proportion from the first point."""
    stores: dict[str, list[float]] = {"opening and ending a run": [], "comparing two runs": []}
    sizes = [125, 500, 2000, 8000]
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            project = Project(Path(folder))
            ids = fill(project, size)
            for seed, run in enumerate(ids[:2]):
                keep_predictions(project, run, seed)
            track(project, "warm-up")
            stores["opening and ending a run"].append(seconds(lambda p=project: track(p, "train-new-0")))  # type: ignore[misc]
            stores["comparing two runs"].append(seconds(lambda p=project, i=ids: compare(p, *i[:2])))  # type: ignore[misc]
    counts = [2, 8, 32, 128]
    arms = [{seed: guesses(seed) for seed in range(n)} for n in counts]
    of_seeds = {"comparing two arms": [seconds(lambda a=arm: contrast(a, a, ("a", "b"))) for arm in arms]}  # type: ignore[misc]
    faces = [1000, 2000, 4000, 8000]
    drawn = np.random.default_rng(0).integers(0, 256, (faces[-1], 48, 48), dtype=np.uint8)
    near_pairs(drawn[:100], 0.98)  # loads what it needs
    of_images = {"near copies among all pairs": [seconds(lambda n=n: near_pairs(drawn[:n], 0.98)) for n in faces]}  # type: ignore[misc]
    panels = [("runs in the store", sizes, stores), ("seeds", counts, of_seeds), ("images", faces, of_images)]
    draw(path, panels)


def draw(path: Path, panels: list[tuple[str, list[int], dict[str, list[float]]]]) -> None:
    """One panel for each (what grows, its sizes, cost to seconds at each size)."""
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for axes, (title, xs, curves) in zip(figure.subplots(1, 3), panels, strict=True):
        for (name, ys), marker in zip(curves.items(), "os", strict=False):
            axes.loglog(xs, ys, marker=marker, label=name)
            print(title, name, *(f"{x}: {y:.3f}" for x, y in zip(xs, ys, strict=True)), sep="  ")
        first = min(ys[0] for ys in curves.values())
        axes.loglog(xs, [first * x / xs[0] for x in xs], ":", color="#767676", label="in proportion")
        axes.set(xlabel=f"number of {title}", ylabel="processor seconds")
        axes.minorticks_off()
        axes.set_xticks(xs, [f"{x:,}" for x in xs])
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    if arguments.plot:
        growth(arguments.plot)
        return
    for name, taken in table(arguments.runs):
        late = "   more than the target" if taken > TARGET and not name.startswith("(") else ""
        print(f"{taken:7.2f} s  {name}{late}", flush=True)


if __name__ == "__main__":
    main()
