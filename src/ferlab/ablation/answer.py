"""One point's answer: its validation predictions, made once and kept under the identity of its training.

The test split is not read: what is chosen by looking at many runs must not be chosen on the images that judge it.
"""

import shutil
import time
from contextlib import ExitStack
from pathlib import Path

from ferlab.ablation.plan import Planned, Planner, find_answer, is_of, pipeline_run, place_of
from ferlab.ablation.question import Point
from ferlab.ablation.summary import PREDICTIONS
from ferlab.ablation.variant import Variant, lay_root, link
from ferlab.adapters.known import find_named
from ferlab.classifiers.catalogue import load_run
from ferlab.errors import UserError
from ferlab.evaluation import predictions
from ferlab.evaluation.predictions import Predictions
from ferlab.execution.locks import exclusive
from ferlab.files import atomic_folder, sweep
from ferlab.project import Project
from ferlab.records import answer as answers
from ferlab.records import run as runs
from ferlab.records.answer import Answer
from ferlab.records.ledger import note_of
from ferlab.stages.context import Context, call
from ferlab.stages.mix import VALID
from ferlab.stages.mix import keep as keep_mixed
from ferlab.stages.table import find
from ferlab.stages.train import plan_of, sets
from ferlab.synthesis.plan import Mixed, held_out
from ferlab.training.observe import Observer, ignore
from ferlab.training.seeding import set_up


def answer(project: Project, point: Point, *, observe: Observer = ignore, parent: str | None = None) -> Answer:
    """Train a point in this process, unless its training has already run.

    Raises:
        UserError: the images that it adds are yet to be made, or what a stage raises.
    """
    planner = Planner(project)
    planned = planner.look(point)
    if planned.identity is None:
        raise UserError(
            f"the synthetic set that {point.title} adds hasn't been made", next_step="`ferlab ablate` makes it first"
        )
    with ExitStack() as held:
        if shared := planner.of_all_seeds(planned):
            held.enter_context(exclusive(project, f"seeds-{shared}", patience=-1))
            planned = planner.look(point)  # what another seed has just trained may be the same
        # of two that ask the same, one trains
        held.enter_context(exclusive(project, f"answer-{planned.identity}", patience=-1))
        found = find_answer(project, str(planned.identity))
        if found is None:
            sweep(place_of(project, str(planned.identity)))  # what a kill while it was kept left behind
            found = _answer(_lay(planner, planned, observe, parent), pipeline_run(project, planned.trained))
        shutil.rmtree(project.variants / str(planned.identity), ignore_errors=True)
        return found


def _lay(planner: Planner, planned: Planned, observe: Observer, parent: str | None) -> Context:
    """A call of the stage `train` in a small root of its own, with the plan that the stage `mix` would have made."""
    project, point = planner.project, planned.trained
    root = Project(project.variants / str(planned.identity))
    lay_root(root, planned.params)
    link(project.work / "prepared" / "train", root.work / "prepared" / "train")
    source = planned.source.out if isinstance(planned.source, Variant) else planned.source
    added = planner.checkout.images(planned.params, point.arm, point.seed, source)
    row, of_arm = planned.params.arms[point.arm], root.work / "arms" / point.arm
    leaked = planner.checkout.leaked if row.drop_train_copies else []
    keep_mixed(Mixed(planned.plan, added, tuple(sorted(leaked))), of_arm / str(point.seed))
    if row.held_out:
        held_out(row, planner.checkout.train, leaked).save(of_arm / VALID)
    else:
        link(project.work / "prepared" / "valid", of_arm / VALID)
    arguments = {"arm": point.arm, "seed": str(point.seed)}
    return Context(root, find("train"), arguments, planned.params, quiet=True, observe=observe, parent=parent)


def _answer(context: Context, own: Path) -> Answer:
    """Train, unless `own`, the pipeline's run of this arm and seed, is of the same training."""
    home, identity = Project(context.project.home), context.identity.name
    if is_of(own, identity):
        return _keep(context, own, None, "pipeline")
    began, run = time.monotonic(), context.out("run")
    if not (is_of(run, identity) and _is_tracked(home, identity)):  # both are, after a kill just before this
        known = (note := note_of(home.state, identity)).exists()
        call(context)
        if not known:  # a number that reports/ have of the same training isn't this checkout's because of that
            note.unlink(missing_ok=True)
    return _keep(context, run, time.monotonic() - began, "run")


def _is_tracked(project: Project, identity: str) -> bool:
    """Whether MLflow knows a training as finished: a kill just after its outs were written leaves it open there."""
    tracked = find_named(project, "classifiers", identity)
    return tracked is not None and tracked.status == "FINISHED"


def _keep(context: Context, run: Path, seconds: float | None, source: str) -> Answer:
    """Predict the images that validate with a finished training, and keep that with its curve and record."""
    plan = plan_of(context)
    set_up(plan.compute.threads)
    _, valid = sets(context, plan)
    classifier, record = load_run(run)
    found = Predictions.of(valid, classifier.predict_proba(valid.images), record.identity)
    home = Project(context.project.home)
    tracked = find_named(home, "classifiers", record.identity)
    answer = Answer.model_validate(
        {
            "identity": record.identity,
            "accuracy": float(found.correct.mean()),
            "selected_epoch": record.selected_epoch,
            "seconds": seconds,
            "mlflow_run": (tracked.run or None) if tracked else None,
            "source": source,
        }
    )
    with atomic_folder(place_of(home, record.identity)) as folder:
        predictions.write(folder / PREDICTIONS, found)
        for name in ("curve.csv", runs.FILE):
            shutil.copyfile(run / name, folder / name)
        answer.write(folder / answers.FILE)
    return answer
