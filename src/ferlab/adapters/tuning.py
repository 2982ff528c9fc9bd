"""Optuna: a study with a total budget that goes on after a kill as if nothing had happened."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.trial import FrozenTrial, Trial, TrialState

from ferlab.adapters.tracking import Pruned
from ferlab.errors import UserError
from ferlab.params import Tune
from ferlab.training.observe import Observer
from ferlab.training.seeding import derive

logging.getLogger("optuna").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Suggestion:
    """One point of the search space."""

    number: int
    lr: float
    batch_size: int


@dataclass(frozen=True)
class TrialRow:
    """One trial: where it stood, its value (best validation accuracy, 0-1; None if it has none) and how it ended."""

    number: int
    lr: float
    batch_size: int
    value: float | None
    state: str


Objective = Callable[[Suggestion, Observer], float]
"""(suggestion, observer to be called with `valid_accuracy` each epoch) -> value to maximise."""


def search(objective: Objective, space: Tune, database: Path, study_name: str) -> list[TrialRow]:
    """Run the trials that are still missing to `space.trials` in total.

    The sampler is seeded anew for each trial by the trial's number, so 5 trials and 5 more equal 10. A trial that was
    killed is taken up again with its own values.

    Raises:
        UserError: no trial has a finite value.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_suffix(".lock")):  # two first starts would race for the schema
        storage = optuna.storages.RDBStorage(f"sqlite:///{database}")
        study = optuna.create_study(storage=storage, study_name=study_name, direction="maximize", load_if_exists=True)
    while (trial := _next(study, space)) is not None:
        seen = set(study.get_trials(deepcopy=False)[trial.number].intermediate_values)
        suggestion = Suggestion(
            trial.number,
            trial.suggest_float("lr", *space.lr, log=True),
            trial.suggest_categorical("batch_size", space.batch_sizes),
        )

        def observe(step: int, values: Mapping[str, float], trial: Trial = trial, seen: set[int] = seen) -> None:
            if step not in seen:
                trial.report(values["valid_accuracy"], step)
            if trial.should_prune():
                raise Pruned

        try:
            value = objective(suggestion, observe)
            study.tell(trial, value if isfinite(value) else None, None if isfinite(value) else TrialState.FAIL)
        except Pruned:
            study.tell(trial, state=TrialState.PRUNED)
        except UserError as error:  # e.g. a learning rate that makes the loss infinite
            trial.set_user_attr("error", str(error))
            study.tell(trial, state=TrialState.FAIL)
    rows = [_row(trial) for trial in study.get_trials(deepcopy=False)]
    if not any(row.state == "COMPLETE" for row in rows):
        errors = {t.user_attrs.get("error", t.state.name) for t in study.get_trials(deepcopy=False)}
        raise UserError(
            f"none of {len(rows)} trials has a value: {'; '.join(sorted(errors))}",
            where="params.yaml: tune",
            next_step="narrow tune.lr or choose other batch sizes",
        )
    return rows


def best(rows: list[TrialRow]) -> TrialRow:
    """The complete trial with the highest value; the earliest of equals."""
    return max((r for r in rows if r.state == "COMPLETE"), key=lambda r: (r.value or 0.0, -r.number))


def _next(study: optuna.Study, space: Tune) -> Trial | None:
    trials = study.get_trials(deepcopy=False)
    killed = [trial for trial in trials if trial.state == TrialState.RUNNING]
    number = killed[0].number if killed else len(trials)
    if not killed and number >= space.trials:
        return None
    study.sampler = optuna.samplers.TPESampler(seed=derive(space.seed, "trial", number) % 2**32)
    return Trial(study, killed[0]._trial_id) if killed else study.ask()


def _row(trial: FrozenTrial) -> TrialRow:
    lr, batch_size = trial.params["lr"], trial.params["batch_size"]
    return TrialRow(trial.number, lr, batch_size, trial.values[0] if trial.values else None, trial.state.name)
