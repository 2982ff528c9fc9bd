"""What a run of `ferlab ablate` costs beside its training: identity, links, MLflow, checkpoints, the kept answer.

    python benchmarks/ablation.py [--arm resnet50] [--epochs 40] [--rounds 3]

In a temporary project on the demo's faces, a point is answered as `ferlab ablate` does it, and the same training is run
bare: the classifier's own `fit` on the same images in memory. Both in turns, with the same seed; medians of seconds on
the clock and of processor time (which other work on the machine disturbs less). Imports, which a point pays in its
own process, are not counted. The accuracies must be equal: the same work was done.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from statistics import median

import torch

from ferlab import params as schema
from ferlab.ablation import question as questions
from ferlab.ablation.answer import answer
from ferlab.ablation.plan import Planner, device
from ferlab.ablation.question import Point
from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.catalogue import create
from ferlab.data.images import ImageSet, concatenate
from ferlab.datasets.demo import write_demo
from ferlab.project import Project
from ferlab.stages.context import Context, call
from ferlab.stages.table import find
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from ferlab.training.seeding import set_up

ROOT = Path(__file__).parents[1]


class Nowhere(Checkpoints):
    """Keeps nothing."""

    def load(self) -> None:
        return None

    def save(self, state: object) -> None:
        pass


def make_project(root: Path) -> Project:
    for name in ("params.yaml", "dvc.yaml", "requirements.lock", "pyproject.toml"):
        shutil.copyfile(ROOT / name, root / name)
    (root / "src").symlink_to(ROOT / "src", target_is_directory=True)
    (root / "data").mkdir()
    write_demo(root / "data")
    project = Project(root)
    for stage in ("prepare", "audit"):
        call(Context(project, find(stage), {}, schema.load(project.params), quiet=True))
    return project


def bare(project: Project, point: Point) -> Callable[[], float]:
    """The point's training and nothing else; images are read before."""
    planner = Planner(project)
    planned = planner.look(point)
    assert isinstance(planned.source, Path)
    added = planner.checkout.images(planned.params, point.arm, planned.source)
    train = concatenate([planner.checkout.train, added], "train")
    valid = ImageSet.open(project.work / "prepared" / "valid")
    classifier = create(planned.plan.settings)
    set_up(planned.params.compute.threads)
    how = TrainingPlan(point.seed, device(planned.params), planned.plan.steps)
    nowhere = Nowhere(project.root, every_seconds=inf)
    return lambda: classifier.fit(train, valid, how, observe=ignore, checkpoints=nowhere).valid_accuracy


def measured(call: Callable[[], float | None]) -> tuple[float, float, float | None]:
    clock, processor = time.perf_counter(), time.process_time()
    result = call()
    return time.perf_counter() - clock, time.process_time() - processor, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arm", default="resnet50", help="one without synthetic images")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        project = make_project(Path(name))
        loaded = schema.load(project.params)
        times: dict[str, list[tuple[float, float]]] = {"bare": [], "ours": []}
        for seed in range(arguments.rounds + 1):
            epochs = arguments.epochs if seed else 1  # the first makes the stores and warms up
            question = questions.ask(loaded, arguments.arm, [seed], [f"epochs={epochs}", "tuned=false"], [])
            (point,) = questions.points(question)
            alone = bare(project, point)
            ways = {"bare": alone, "ours": lambda point=point: answer(project, point).accuracy}
            results = set()
            for way in sorted(ways, reverse=bool(seed % 2)):
                clock, processor, result = measured(ways[way])
                results.add(result)
                if seed:
                    times[way].append((clock, processor))
                    print(f"seed {seed}, {way}: {clock:.2f} s on the clock, {processor:.2f} s of processor time")
            assert len(results) == 1, f"not the same work: {results}"
        print(
            f"torch {torch.__version__}, {loaded.compute.threads} threads, {arguments.arm}, {arguments.epochs} epochs"
        )
        for i, unit in enumerate(("on the clock", "of processor time")):
            before, after = (median(t[i] for t in times[way]) for way in ("bare", "ours"))
            print(f"bare {before:.1f} s, as a point {after:.1f} s {unit}: {after / before - 1:+.1%}")


if __name__ == "__main__":
    main()
