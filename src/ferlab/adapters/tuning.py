"""Optuna: a search with a total budget that goes on after a kill as if nothing had happened."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeVar

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from ferlab.adapters.claims import EARLIER_ERROR, ERROR, OWNER, Claimed, claim, is_used_up, trials_of
from ferlab.adapters.study import Storage, open_study, storage_errors
from ferlab.errors import UserError
from ferlab.params import Median, Scalar, SuccessiveHalving, Tune
from ferlab.training.observe import Observer, Pruned

logging.getLogger("optuna").setLevel(logging.WARNING)

POLL = 2.0  # seconds between looks at other workers' trials, and at a server that is away
AWAY = 600.0  # seconds after which a server that is away is given up
ENOUGH = 4  # complete trials below which nothing is said of the importance of a key


@dataclass(frozen=True)
class Suggestion:
    """One point of the search space: key of the classifier to value."""

    number: int
    values: dict[str, Scalar]


@dataclass(frozen=True)
class TrialRow:
    """One trial: where it stood, its value (best validation accuracy, 0-1; None if it has none), how it ended, why."""

    number: int
    values: dict[str, Scalar]
    value: float | None
    state: str
    error: str = ""


T = TypeVar("T")
Objective = Callable[[Suggestion, Observer], float]
"""(suggestion, observer to be called with `valid_accuracy` each epoch) -> value to maximise."""


def search(
    objective: Objective,
    space: Tune,
    storage: Storage,
    name: str,
    manifest: Mapping[str, Any],
    *,
    command: str,
    wait: bool = True,
    say: Callable[[str], None] = print,
) -> list[TrialRow]:
    """Run the trials that are still missing to `space.trials` in total, beside other workers on the same study.

    A space of fewer points ends the search sooner: no point is tried twice.

    A database server that is away is waited for, ten minutes at most; a trial under way goes on meanwhile, and what it
    found is told afterwards.

    A trial that was killed is taken up again with its own values. With one worker the trials don't depend on how often
    the search was started; with several they depend on who was quicker.

    Args:
        name, manifest: the study's name, and what it is about.
        command: what a user types to work on this study.
        wait: for other workers' trials at the end.

    Raises:
        UserError: see `open_study`; or no trial has a finite value.
    """
    study = open_study(storage, name, manifest, _pruner(space.pruner))
    announced: set[int] = set()
    with storage_errors(storage):
        while True:
            if _patiently(storage, lambda: _next(objective, study, storage, space)):
                continue
            busy = [t for t in _patiently(storage, lambda: trials_of(study)) if t.state == TrialState.RUNNING]
            for other in busy:
                if other.number not in announced:
                    say(
                        f"{'waiting for ' if wait else ''}trial {other.number}, at work in "
                        f"{other.user_attrs.get(OWNER)}; if that worker is dead: `{command} --fail {other.number}`"
                    )
                    announced.add(other.number)
            if not busy or not wait:
                break
            time.sleep(POLL)
        rows = [_row(trial) for trial in _patiently(storage, lambda: trials_of(study))]
        if len(rows) < space.trials and is_used_up(study, space):
            say(f"all {space.points} points of the space are tried; the other trials would repeat them")
    if not any(row.state in ("COMPLETE", "RUNNING") for row in rows):
        raise UserError(
            f"none of {len(rows)} trials has a value:\n" + "\n".join(f"  {describe(row)}" for row in rows),
            where="params.yaml: tune",
            next_step="narrow tune.space, or choose other values",
        )
    return rows


def best(rows: list[TrialRow], n: int = 1) -> list[TrialRow]:
    """The `n` complete trials with the highest values, the earlier of equals first; no point twice."""
    ranked = sorted((r for r in rows if r.state == "COMPLETE"), key=lambda r: (-(r.value or 0.0), r.number))
    distinct = {tuple(row.values.items()): row for row in reversed(ranked)}
    return sorted(distinct.values(), key=ranked.index)[:n]


def describe(row: TrialRow) -> str:
    """A trial in one line."""
    point = ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.values.items())
    result = row.error or (f"{row.value:.4f}" if row.value is not None else "no value")
    return f"trial {row.number}: {point or 'no values yet'}: {row.state.lower()}, {result}"


def importances(storage: Storage, name: str) -> dict[str, float]:
    """Share of the variance of the trials' values that each key explains (fANOVA, Hutter et al. 2014), summing to 1.

    Empty where fewer than four trials are complete or all came to the same.
    """
    with storage_errors(storage):
        study = optuna.load_study(study_name=name, storage=storage.url)
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(complete) < ENOUGH or len({trial.value for trial in complete}) == 1:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key: round(float(share), 6) for key, share in found.items()}


def fail(storage: Storage, name: str, number: int) -> None:
    """Mark a trial failed whose worker died on another machine.

    Raises:
        UserError: there is no such trial at work, or it is at work on this machine.
    """
    with storage_errors(storage):
        names = optuna.get_all_study_names(storage.url)
        study = optuna.load_study(study_name=name, storage=storage.url) if name in names else None
        trials = study.get_trials(deepcopy=False) if study else []
        running = [trial.number for trial in trials if trial.state == TrialState.RUNNING]
        if study is None or number not in running or storage.is_held(f"{name}-{number}"):
            raise UserError(
                f"trial {number} of the study '{name}' can't be marked failed: it isn't at work, or a process of this "
                "machine is at it",
                where=storage.shown,
                next_step=f"trials at work: {', '.join(map(str, running)) or 'none'}",
            )
        study.tell(number, state=TrialState.FAIL)


def _patiently(storage: Storage, call: Callable[[], T]) -> T:
    """What a call returns; of a server that is away, asked again. It may have heard before it fell silent."""
    until = time.monotonic() + AWAY
    while True:
        try:
            return call()
        except (StorageInternalError, SQLAlchemyError):
            if not storage.is_server or time.monotonic() > until:
                raise
            time.sleep(POLL)


def _next(objective: Objective, study: optuna.Study, storage: Storage, space: Tune) -> bool:
    """Run one more trial; False where there is none to run."""
    with claim(storage, study, space) as claimed:
        if claimed is not None:
            _run(objective, study, storage, claimed)
        return claimed is not None


def _run(objective: Objective, study: optuna.Study, storage: Storage, claimed: Claimed) -> None:
    trial = claimed.trial
    seen = set(study.get_trials(deepcopy=False)[trial.number].intermediate_values)
    untold = dict[int, float]()

    def report() -> None:
        for step in list(untold):
            trial.report(untold[step], step)
            del untold[step]

    def observe(step: int, values: Mapping[str, float]) -> None:
        if step not in seen:
            untold[step] = values["valid_accuracy"]
        try:
            report()
            enough = trial.should_prune()
        except (StorageInternalError, SQLAlchemyError):
            if not storage.is_server:
                raise
            return  # it is away: told with a later step
        if enough:
            raise Pruned

    def finish(value: float | None = None, state: TrialState | None = None, error: str = "") -> None:
        with suppress(UpdateFinishedTrialError):  # it has heard, or somebody has marked it failed
            report()
            if error:
                trial.set_user_attr(ERROR, error)
        study.tell(trial, value, state=state, skip_if_finished=True)

    try:
        value = objective(Suggestion(trial.number, claimed.values), observe)
    except Pruned:
        _patiently(storage, lambda: finish(state=TrialState.PRUNED))
    except UserError as error:  # e.g. a learning rate that makes the loss infinite
        said = error.what.splitlines()[0]
        _patiently(storage, lambda: finish(state=TrialState.FAIL, error=said))
    else:
        if isfinite(value):
            _patiently(storage, lambda: finish(value))
        else:
            _patiently(storage, lambda: finish(state=TrialState.FAIL, error=f"its value is {value}"))


def _pruner(told: Median | SuccessiveHalving) -> optuna.pruners.BasePruner:
    if isinstance(told, Median):
        return optuna.pruners.MedianPruner()
    return optuna.pruners.SuccessiveHalvingPruner(min_resource=told.min_epochs, reduction_factor=told.reduction)


def _row(trial: FrozenTrial) -> TrialRow:
    value = trial.values[0] if trial.values else None
    error = trial.user_attrs.get(ERROR) or trial.user_attrs.get(EARLIER_ERROR, "")
    return TrialRow(trial.number, dict(sorted(trial.params.items())), value, trial.state.name, error)
