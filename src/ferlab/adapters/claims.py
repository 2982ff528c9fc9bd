"""Whose a trial is: several workers on one study, some of which die."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import cast

import optuna
from filelock import FileLock, Timeout
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from ferlab.adapters.study import Storage
from ferlab.params import Range, Scalar, Tune
from ferlab.training.seeding import derive

BEAT = 30.0  # seconds between a worker's signs of life
SILENCE = 600.0  # seconds without one after which a worker in another place counts as dead
# attributes of a trial
OWNER = "ferlab.owner"  # the machine and folder of its worker
PLACE = "ferlab.place"  # which folder of locks its worker uses
ALIVE = "ferlab.alive"  # its worker's last sign of life, in seconds since 1970
SURPLUS = "ferlab.surplus"  # that it was begun beyond the total, or at a point that was known
ERROR = "ferlab.error"  # why it has no value
EARLIER_ERROR = "error"

Values = dict[str, Scalar]


@dataclass(frozen=True)
class Claimed:
    """A trial that this process works on, and its point of the space."""

    trial: Trial
    values: Values


def trials_of(study: optuna.Study) -> list[FrozenTrial]:
    """All trials that count: not those set aside, nor those that wait to be begun."""
    trials = study.get_trials(deepcopy=False)
    return [t for t in trials if not t.user_attrs.get(SURPLUS) and t.state != TrialState.WAITING]


def is_used_up(study: optuna.Study, space: Tune) -> bool:
    """Whether every point of the space is tried, or at work."""
    return space.points is not None and len(_known(study)) >= space.points


@contextmanager
def claim(storage: Storage, study: optuna.Study, space: Tune) -> Iterator[Claimed | None]:
    """Take the next trial: one whose worker has died, or a new one while there are fewer than the total; else None.

    A worker of this machine or folder is dead when the lock of its trial is free; one of another place, when it has
    given no sign of life for ten minutes. The sampler is seeded anew for each trial by the trial's number, so 5 trials
    and 5 more equal 10. No point is tried twice; when all are tried there is no next trial.
    """
    with storage.alone(f"{study.study_name}.claims"):
        found = _abandoned(storage, study, space) or _new(storage, study, space)
    if found is None:
        yield None
        return
    claimed, lock = found
    try:
        with _signs_of_life(claimed.trial):
            yield claimed
    finally:
        lock.release()


def _seed(study: optuna.Study, space: Tune, number: int) -> None:
    study.sampler = optuna.samplers.TPESampler(seed=derive(space.seed, "trial", number) % 2**32)


def _abandoned(storage: Storage, study: optuna.Study, space: Tune) -> tuple[Claimed, FileLock] | None:
    for trial in trials_of(study):
        if trial.state == TrialState.RUNNING and may_be_dead(storage, trial):
            lock = storage.lock(f"{study.study_name}-{trial.number}")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            # read again under the lock: its worker may have told the result and let go since the first look
            if study.get_trials(deepcopy=False)[trial.number].state != TrialState.RUNNING:
                lock.release()
                continue
            _seed(study, space, trial.number)
            taken = Trial(study, trial._trial_id)
            _own(storage, taken)
            return Claimed(taken, suggest(taken, space)), lock
    return None


def may_be_dead(storage: Storage, trial: FrozenTrial) -> bool:
    """Whether nothing but a lock of this machine can tell that a running trial's worker lives."""
    told = trial.user_attrs
    if told.get(PLACE) == storage.place or told.get(OWNER, storage.owner) == storage.owner:
        return True
    began = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return time.time() - float(told.get(ALIVE, began)) > SILENCE


def _own(storage: Storage, trial: Trial) -> None:
    for key, value in ((OWNER, storage.owner), (PLACE, storage.place), (ALIVE, time.time())):
        trial.set_user_attr(key, value)


def _new(storage: Storage, study: optuna.Study, space: Tune) -> tuple[Claimed, FileLock] | None:
    while len(trials_of(study)) < space.trials and not is_used_up(study, space):
        known = _known(study)
        _seed(study, space, len(study.get_trials(deepcopy=False)))
        trial = study.ask()
        _own(storage, trial)
        if sum(t.number <= trial.number for t in trials_of(study)) > space.trials:  # another machine was quicker
            _set_aside(study, trial)
            return None
        values = suggest(trial, space)
        if _point(values) not in known or space.points is None:
            lock = storage.lock(f"{study.study_name}-{trial.number}")
            lock.acquire()
            return Claimed(trial, values), lock
        _set_aside(study, trial)
        study.enqueue_trial(_untried(space, known, trial.number))
    return None


def _set_aside(study: optuna.Study, trial: Trial) -> None:
    trial.set_user_attr(SURPLUS, True)
    study.tell(trial, state=TrialState.FAIL)


def _known(study: optuna.Study) -> set[frozenset[tuple[str, Scalar]]]:
    """Points that were tried, or are; one whose worker died can be tried again."""
    said = (ERROR, EARLIER_ERROR)
    return {
        _point(trial.params)
        for trial in trials_of(study)
        if trial.params and (trial.state != TrialState.FAIL or any(key in trial.user_attrs for key in said))
    }


def _point(values: Mapping[str, Scalar]) -> frozenset[tuple[str, Scalar]]:
    return frozenset(values.items())


def _untried(space: Tune, known: set[frozenset[tuple[str, Scalar]]], number: int) -> Values:
    """A point of a space of finitely many that isn't known, chosen by the seed."""
    assert space.points is not None
    for attempt in range(100 * space.points):
        place, values = derive(space.seed, "untried", number, attempt) % space.points, Values()
        for key, choices in sorted((key, space.choices(key)) for key in space.space):
            assert choices is not None, key
            place, which = divmod(place, len(choices))
            values[key] = choices[which]
        if _point(values) not in known:
            return values
    raise AssertionError("no point is left")


def suggest(trial: Trial, space: Tune) -> Values:
    """The trial's point; of one that is taken up, its own."""
    return {key: _value(trial, key, space) for key in sorted(space.space)}


def _value(trial: Trial, key: str, space: Tune) -> Scalar:
    dimension = space.space[key]
    if not isinstance(dimension, Range):
        return cast(Scalar, trial.suggest_categorical(key, dimension))
    low, high = dimension.low, dimension.high
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(key, low, high, log=dimension.log)
    return trial.suggest_float(key, low, high, log=dimension.log)


@contextmanager
def _signs_of_life(trial: Trial) -> Iterator[None]:
    """Note now and then that this process lives, for workers in places that can't see its locks."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT):
            # somebody has marked it failed; or a server is away
            with suppress(UpdateFinishedTrialError, StorageInternalError, SQLAlchemyError):
                trial.set_user_attr(ALIVE, time.time())

    thread = threading.Thread(target=beat, daemon=True, name="signs of life")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
