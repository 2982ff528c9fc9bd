"""A search has a total budget, and goes on after a kill as if nothing had happened."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from ferlab.adapters import claims
from ferlab.adapters import study as storages
from ferlab.adapters.claims import OWNER
from ferlab.adapters.known import mark_killed
from ferlab.adapters.store import connect
from ferlab.adapters.study import Storage
from ferlab.adapters.tracking import tracked
from ferlab.adapters.tuning import Objective, Suggestion, TrialRow, best, describe, fail, importances, search
from ferlab.errors import UserError
from ferlab.params import Tune
from ferlab.project import Project
from ferlab.training.observe import Observer, all_of

SPACE: dict[str, Any] = {"lr": {"low": 1e-4, "high": 1.0, "log": True}, "batch_size": [16, 32, 64]}


def space(trials: int, **changes: Any) -> Tune:
    values: dict[str, Any] = {
        "seed": 3, "trials": trials, "epochs": 1, "train_fraction": 1.0, "space": SPACE, "reference": {},
        "transfer": {"best": 0, "epochs": 1}, "pruner": {"kind": "median"}, "held_out": 0.0,
    }  # fmt: skip
    return Tune.model_validate(values | changes)


def storage(database: Path) -> Storage:
    return Storage(f"sqlite:///{database}", database.parent / "locks")


def go(
    objective: Objective,
    space: Tune,
    database: Path,
    name: str = "s",
    say: Callable[[str], None] = print,
    **manifest: Any,
) -> list[TrialRow]:
    about = {"params": {"seed": space.seed} | manifest}
    return search(objective, space, storage(database), name, about, command="ferlab tune resnet50", say=say)


def value_of(lr: Any, batch_size: Any) -> float:
    return float(1 - abs(lr - 0.01) - batch_size / 1000)


def objective(suggestion: Suggestion, observe: Observer) -> float:
    value = value_of(**suggestion.values)
    observe(1, {"valid_accuracy": value})
    return value


def study(database: Path) -> optuna.Study:
    return optuna.load_study(study_name="s", storage=f"sqlite:///{database}")


def test_five_trials_and_five_more_equal_ten(tmp_path: Path) -> None:
    """Optuna's sampler would begin anew, and suggest the first five again."""
    ten = go(objective, space(10), tmp_path / "ten.db")
    database = tmp_path / "five.db"
    assert go(objective, space(5), database) == ten[:5]
    assert go(objective, space(10), database) == ten
    assert len({row.values["lr"] for row in ten}) == 10
    assert {row.values["batch_size"] for row in ten} <= {16, 32, 64}
    assert all(1e-4 <= float(row.values["lr"]) <= 1 for row in ten)


def test_the_number_of_trials_is_a_total(tmp_path: Path) -> None:
    """Optuna's own n_trials adds up from start to start."""
    calls = []

    def counted(suggestion: Suggestion, observe: Observer) -> float:
        calls.append(suggestion.number)
        return objective(suggestion, observe)

    first = go(counted, space(4), tmp_path / "o.db")
    assert go(counted, space(4), tmp_path / "o.db") == first
    assert go(counted, space(2), tmp_path / "o.db") == first
    assert calls == [0, 1, 2, 3]


def test_another_seed_searches_elsewhere(tmp_path: Path) -> None:
    one, two = (go(objective, space(3, seed=s), tmp_path / f"{s}.db") for s in (1, 2))
    assert not {row.values["lr"] for row in one} & {row.values["lr"] for row in two}


def test_whole_numbers_and_words(tmp_path: Path) -> None:
    wide = {"epochs": {"low": 2, "high": 40, "log": True}, "schedule": ["constant", "one_cycle"], "flip": [True, False]}
    rows = go(lambda s, o: 0.5, space(6, space=wide), tmp_path / "o.db")
    for row in rows:
        assert isinstance(row.values["epochs"], int)
        assert 2 <= row.values["epochs"] <= 40
        assert row.values["schedule"] in ("constant", "one_cycle")
        assert isinstance(row.values["flip"], bool)


WORKER = """
import json, os, sys, time
from pathlib import Path
from ferlab.adapters.study import Storage
from ferlab.adapters.tuning import search
from ferlab.params import Tune

folder, tune, me = Path(sys.argv[1]), Tune.model_validate_json(sys.argv[2]), sys.argv[3]

def objective(suggestion, observe):
    if me == "dies" and suggestion.number == 6:
        os.kill(os.getpid(), 9)
    if me.startswith("ready"):
        time.sleep(0.05)
        with (folder / "calls.txt").open("a") as file:
            file.write(f"{suggestion.number}\\n")
    value = 1 - abs(suggestion.values["lr"] - 0.01) - suggestion.values["batch_size"] / 1000
    observe(1, {"valid_accuracy": value})
    return value

if me.startswith("ready"):
    (folder / me).touch()
    while len(list(folder.glob("ready-*"))) < 8: time.sleep(0.005)
place = Storage(f"sqlite:///{folder}/o.db", folder / "locks")
rows = search(objective, tune, place, "s", {"params": {"seed": tune.seed}}, command="ferlab tune")
print(json.dumps([[row.number, row.state] for row in rows]))
"""


def test_a_killed_trial_is_taken_up_with_its_own_values(tmp_path: Path) -> None:
    """Past TPE's ten random trials, too, nothing depends on how often the search was started."""
    whole = go(objective, space(13), tmp_path / "whole.db")
    database = tmp_path / "o.db"
    words = [sys.executable, "-c", WORKER, str(tmp_path), space(13).model_dump_json(), "dies"]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    assert [t.state for t in study(database).trials][6:] == [TrialState.RUNNING]
    taken = []

    def noted(suggestion: Suggestion, observe: Observer) -> float:
        taken.append(suggestion)
        return objective(suggestion, observe)

    assert go(noted, space(13), database) == whole
    assert taken[0] == Suggestion(6, whole[6].values)
    assert TrialState.RUNNING not in [t.state for t in study(database).trials]


def test_a_trial_that_was_interrupted_before_it_had_values_is_taken_up(tmp_path: Path) -> None:
    whole = go(objective, space(3), tmp_path / "whole.db")
    database = tmp_path / "o.db"
    go(objective, space(1), database)
    study(database).ask()  # as if killed right after
    assert go(objective, space(3), database) == whole


@pytest.mark.chaos  # eight processes that import MLflow or Optuna at once
def test_eight_first_starts_at_once_share_one_study_and_its_total(tmp_path: Path) -> None:
    """All find no schema yet and succeed; each trial is run once; each worker sees all at its end."""
    words = [sys.executable, "-c", WORKER, str(tmp_path), space(10).model_dump_json()]
    started = [
        subprocess.Popen([*words, f"ready-{i}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for i in range(8)
    ]
    outputs = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * 8, "\n".join(outputs)
    results = [json.loads(output.splitlines()[-1]) for output in outputs]
    assert results == [results[0]] * 8
    assert [number for number, _ in results[0]] == list(range(10))
    assert {state for _, state in results[0]} <= {"COMPLETE", "PRUNED"}
    assert sorted(map(int, (tmp_path / "calls.txt").read_text().split())) == list(range(10))


def test_a_trial_begun_beyond_the_total_by_a_race_is_set_aside(tmp_path: Path) -> None:
    """On two machines no lock helps: whoever's number is too high gives way."""
    database = tmp_path / "o.db"
    go(objective, space(2), database)
    found = storages.open_study(storage(database), "s", {"params": {"seed": 3}})
    late = claims._new(storage(database), Behind(found), space(2))  # type: ignore[arg-type]
    assert late is None
    assert [row.number for row in go(objective, space(3), database)] == [0, 1, 3]


def test_a_trial_that_ends_between_a_look_and_its_lock_is_not_run_again(tmp_path: Path) -> None:
    """Its worker tells the result, then lets go; whoever looked before that finds the lock free."""
    place, database = storage(tmp_path / "o.db"), tmp_path / "o.db"
    go(objective, space(2), database)
    running = study(database).ask()
    looked = study(database).get_trials()
    study(database).tell(running.number, 0.5)

    class Stale(Behind):
        def get_trials(self, deepcopy: bool) -> Any:
            self.looks += 1
            return looked if self.looks == 1 else self.real.get_trials(deepcopy=deepcopy)

    found = storages.open_study(place, "s", {"params": {"seed": 3}})
    assert claims._abandoned(place, Stale(found), space(4)) is None  # type: ignore[arg-type]
    assert not place.is_held("s-2")
    assert [row.number for row in go(objective, space(4), database)] == [0, 1, 2, 3]


class Behind:
    """A study whose first look at its trials came before another machine's last one."""

    def __init__(self, real: optuna.Study) -> None:
        self.real, self.looks = real, 0

    def get_trials(self, deepcopy: bool) -> Any:
        self.looks += 1
        return self.real.get_trials(deepcopy=deepcopy)[: -1 if self.looks == 1 else None]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def test_another_machines_trial_is_left_alone_until_it_is_marked_failed(tmp_path: Path) -> None:
    """Its locks can't be seen from here."""
    database = tmp_path / "o.db"
    go(objective, space(1), database)
    study(database).ask().set_user_attr(OWNER, "elsewhere:/locks")
    rows = search(
        objective, space(3), storage(database), "s", {"params": {"seed": 3}}, command="ferlab tune", wait=False
    )
    assert [row.state for row in rows] == ["COMPLETE", "RUNNING", "COMPLETE"]
    with pytest.raises(UserError, match="trial 2 of the study 's' can't be marked failed") as caught:
        fail(storage(database), "s", 2)
    assert "trials at work: 1" in str(caught.value)
    fail(storage(database), "s", 1)
    assert [row.state for row in go(objective, space(3), database)] == ["COMPLETE", "FAIL", "COMPLETE"]


def abandon(database: Path, **attributes: Any) -> None:
    """A trial that a worker with these attributes has begun and not ended."""
    trial = study(database).ask()
    for key, value in attributes.items():
        trial.set_user_attr(f"ferlab.{key}", value)


def test_a_dead_worker_of_another_host_name_is_known_by_its_folder_of_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container gets a new name at each start; a search waited for the old one for ever."""
    database = tmp_path / "o.db"
    go(objective, space(1), database)
    abandon(database, owner="earlier:/elsewhere/locks", place=storage(database).place)
    monkeypatch.setattr(storages.socket, "gethostname", lambda: "later")
    assert [row.state for row in go(objective, space(3), database)] == ["COMPLETE"] * 3


def test_a_living_worker_of_another_host_name_keeps_its_trial(tmp_path: Path) -> None:
    database = tmp_path / "o.db"
    place = storage(database)
    go(objective, space(1), database)
    abandon(database, owner="earlier:/elsewhere/locks", place=place.place)
    with place.lock("s-1"):
        told = list[str]()
        rows = search(
            objective, space(3), storage(database), "s", {"params": {"seed": 3}},
            command="ferlab tune resnet50 --study s", wait=False, say=told.append,
        )  # fmt: skip
    assert [row.state for row in rows] == ["COMPLETE", "RUNNING", "COMPLETE"]
    assert "at work in earlier:/elsewhere/locks" in told[0]
    assert "`ferlab tune resnet50 --study s --fail 1`" in told[0]


@pytest.mark.parametrize(("ago", "taken"), [(30.0, False), (3600.0, True)])
def test_a_worker_elsewhere_that_gave_no_sign_of_life_for_long_is_dead(ago: float, taken: bool, tmp_path: Path) -> None:
    database = tmp_path / "o.db"
    go(objective, space(1), database)
    abandon(database, owner="elsewhere:/locks", place="another", alive=time.time() - ago)
    rows = search(
        objective, space(2), storage(database), "s", {"params": {"seed": 3}}, command="ferlab tune", wait=False
    )
    assert [row.state for row in rows] == ["COMPLETE", "COMPLETE" if taken else "RUNNING"]


def test_a_worker_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT", 0.01)
    database = tmp_path / "o.db"

    def long(suggestion: Suggestion, observe: Observer) -> float:
        def last() -> float:
            return float(study(database).trials[0].user_attrs[claims.ALIVE])

        first = last()
        while last() == first:
            time.sleep(0.01)
        return 0.5

    go(long, space(1), database)


@pytest.mark.parametrize(
    ("small", "size"),
    [
        ({"batch_size": [16, 32]}, 2),
        ({"batch_size": [16, 32, 16]}, 2),
        ({"epochs": {"low": 2, "high": 4, "log": False}, "flip": [True, False]}, 6),
        ({"epochs": {"low": 1, "high": 3, "log": True}}, 3),
    ],
)
def test_no_point_of_a_small_space_is_trained_twice(small: dict[str, Any], size: int, tmp_path: Path) -> None:
    """And a used-up space ends the search; later starts add nothing."""
    trained, told = list[dict[str, Any]](), list[str]()

    def noted(suggestion: Suggestion, observe: Observer) -> float:
        trained.append(suggestion.values)
        if len(trained) == 2:
            raise UserError("the loss is no longer finite")
        return 0.5

    many = space(9, space=small)
    rows = go(noted, many, tmp_path / "o.db", say=told.append)
    assert len(rows) == len(trained) == size == many.points
    assert len({tuple(values.items()) for values in trained}) == size
    assert told[-1].startswith(f"all {size} points of the space are tried")
    assert go(noted, many, tmp_path / "o.db") == rows
    assert len(trained) == size


def test_a_trial_marked_failed_by_hand_leaves_its_point_untried(tmp_path: Path) -> None:
    database, two = tmp_path / "o.db", space(3, space={"batch_size": [16, 32]})
    go(lambda s, o: 0.5, space(1, space={"batch_size": [16, 32]}), database)
    dead = study(database).ask()
    dead.suggest_categorical("batch_size", [16, 32])
    fail(storage(database), "s", dead.number)
    rows = go(lambda s, o: 0.5, two, database)
    assert {row.values["batch_size"] for row in rows if row.state == "COMPLETE"} == {16, 32}


def test_no_trial_with_a_value_is_an_error_that_says_why(tmp_path: Path) -> None:
    def diverge(suggestion: Suggestion, observe: Observer) -> float:
        raise UserError("the loss is no longer finite")

    with pytest.raises(UserError, match="none of 3 trials has a value") as caught:
        go(diverge, space(3), tmp_path / "a.db")
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines[1:4]] == ["  trial 0", "  trial 1", "  trial 2"]
    assert all("fail, the loss is no longer finite" in line and "lr 0." in line for line in lines[1:4])
    assert "tune.space" in lines[-1]
    with pytest.raises(UserError, match=r"none of 2 trials.*\n.*its value is nan"):
        go(lambda suggestion, observe: float("nan"), space(2), tmp_path / "b.db")


def test_a_trial_that_fails_is_noted_and_the_search_goes_on(tmp_path: Path) -> None:
    def sometimes(suggestion: Suggestion, observe: Observer) -> float:
        if suggestion.number == 1:
            raise UserError("the loss is no longer finite")
        return objective(suggestion, observe)

    rows = go(sometimes, space(3), tmp_path / "o.db")
    assert [row.state for row in rows] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert (rows[1].value, rows[1].error) == (None, "the loss is no longer finite")


def test_a_hopeless_trial_is_pruned_through_the_observer(tmp_path: Path) -> None:
    """Its run ends FINISHED, tagged; it is no error."""
    project = Project(tmp_path)

    def in_a_run(suggestion: Suggestion, observe: Observer) -> float:
        value = 0.1 if suggestion.number == 6 else 0.9
        name = str(suggestion.number)
        with tracked(project, "tuning", name, identity=name, params={}, tags={}) as run:
            for epoch in (1, 2, 3):
                all_of(run.observe, observe)(epoch, {"valid_accuracy": value})
        return value

    rows = go(in_a_run, space(7), tmp_path / "o.db")
    assert rows[6].state == "PRUNED"
    client = connect(project)
    found = {r.info.run_name: r for r in client.search_runs([client.get_experiment_by_name("tuning").experiment_id])}
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert [name for name, run in found.items() if "ferlab.pruned" in run.data.tags] == ["6"]
    assert client.list_artifacts(found["6"].info.run_id) == []
    assert found["6"].data.metrics == {"valid_accuracy": 0.1}


HALVING = {"epochs": 9, "pruner": {"kind": "successive_halving", "min_epochs": 2, "reduction": 2}}


def halved(values: list[float], min_epochs: int, reduction: int, epochs: int) -> list[int]:
    """The epoch at which each trial in turn stops: at a rung the best 1/reduction so far go on (Li et al. 2020)."""
    reached, stops = dict[int, list[float]](), list[int]()
    for value in values:
        stop, rung = epochs, min_epochs
        while rung <= epochs:
            here = reached.setdefault(rung, [])
            here.append(value)
            if value < sorted(here, reverse=True)[max(1, len(here) // reduction) - 1]:
                stop = rung
                break
            rung *= reduction
        stops.append(stop)
    return stops


def test_successive_halving_lets_the_best_go_on(tmp_path: Path) -> None:
    """By the algorithm's definition; and with Optuna's own pruner in a study of its own."""
    values = [0.34, 0.82, 0.38, 0.4, 0.28, 0.79]
    stopped = dict[int, int]()

    def steady(suggestion: Suggestion, observe: Observer) -> float:
        for epoch in range(1, 10):
            stopped[suggestion.number] = epoch
            observe(epoch, {"valid_accuracy": values[suggestion.number]})
        return values[suggestion.number]

    rows = go(steady, space(len(values), **HALVING), tmp_path / "o.db")
    expected = halved(values, 2, 2, 9)
    assert set(expected) == {2, 4, 8, 9}  # each rung stops one
    assert list(stopped.values()) == expected
    assert [row.state == "COMPLETE" for row in rows] == [epoch == 9 for epoch in expected]
    own = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=2)
    )

    def plain(trial: optuna.Trial) -> float:
        for epoch in range(1, 10):
            trial.report(values[trial.number], epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return values[trial.number]

    own.optimize(plain, n_trials=len(values))
    assert [trial.state.name for trial in own.trials] == [row.state for row in rows]


def test_a_halving_that_is_killed_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """Where it dies at a rung, after its value is told: what is told again changes nothing."""
    whole = go(staged, space(5, **HALVING), tmp_path / "whole.db")
    assert {row.state for row in whole} == {"COMPLETE", "PRUNED"}
    lives = iter([True])

    def dying(suggestion: Suggestion, observe: Observer) -> float:
        def dies(step: int, values: Mapping[str, float]) -> None:
            observe(step, values)
            if suggestion.number == first and step == 2 and next(lives, False):
                raise KeyboardInterrupt

        return staged(suggestion, dies)

    first = next(row.number for row in whole if row.number and row.state == "COMPLETE")
    with pytest.raises(KeyboardInterrupt):
        go(dying, space(5, **HALVING), tmp_path / "o.db")
    assert go(dying, space(5, **HALVING), tmp_path / "o.db") == whole


def staged(suggestion: Suggestion, observe: Observer) -> float:
    value = value_of(**suggestion.values)
    for epoch in range(1, 10):
        observe(epoch, {"valid_accuracy": value * epoch / 9})
    return value


def test_runs_of_dead_workers_are_marked_killed_and_those_of_living_ones_left(tmp_path: Path) -> None:
    """Whether a worker of this project lives, the lock of its trial tells."""
    project, place = Project(tmp_path), storage(tmp_path / "o.db")
    client = connect(project)
    experiment = client.create_experiment("tuning")
    ids = {s: client.create_run(experiment, tags={"ferlab.slot": s}).info.run_id for s in ("s-0", "s-1")}
    with place.lock("s-1"):
        mark_killed(project, "tuning", place.is_held)
    assert {key: client.get_run(i).info.status for key, i in ids.items()} == {"s-0": "KILLED", "s-1": "RUNNING"}


def test_a_fault_of_the_program_is_not_swallowed(tmp_path: Path) -> None:
    def broken(suggestion: Suggestion, observe: Observer) -> float:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(broken, space(2), tmp_path / "o.db")
    assert len(go(objective, space(2), tmp_path / "o.db")) == 2


def row(number: int, value: float, state: str = "COMPLETE", **values: Any) -> TrialRow:
    return TrialRow(number, values or {"lr": number / 10}, value, state)


def test_the_best_trials_are_the_earliest_of_equals_and_of_different_points() -> None:
    rows = [row(0, 0.5), row(1, 0.7), row(2, 0.7), row(3, 0.9, "PRUNED"), row(4, 0.7, lr=0.1)]
    assert [r.number for r in best(rows)] == [1]
    assert [r.number for r in best(rows, 9)] == [1, 2, 0]
    assert best(rows, 0) == []
    assert describe(rows[1]) == "trial 1: lr 0.1: complete, 0.7000"


def test_importance_finds_the_key_that_matters(tmp_path: Path) -> None:
    """Only the batch size decides the value."""
    go(lambda s, o: float(s.values["batch_size"]) / 100, space(12), tmp_path / "o.db")
    found = importances(storage(tmp_path / "o.db"), "s")
    assert found["batch_size"] > 0.9
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)
    assert importances(storage(tmp_path / "o.db"), "s") == found


def test_importance_says_nothing_where_there_is_nothing_to_say(tmp_path: Path) -> None:
    go(objective, space(3), tmp_path / "few.db")
    assert importances(storage(tmp_path / "few.db"), "s") == {}
    go(lambda s, o: 0.5, space(6), tmp_path / "same.db")
    assert importances(storage(tmp_path / "same.db"), "s") == {}


def text_file(path: Path) -> None:
    path.write_text("no database at all, but long enough to be looked at " * 40)


def another_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE experiments (id INTEGER)")
    connection.close()


def locked(path: Path) -> sqlite3.Connection:
    go(objective, space(1), path)
    connection = sqlite3.connect(path)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (text_file, "not a database"),
        (another_program, "tables of another program (experiments, …)"),
        (locked, "database is locked"),
    ],
)
def test_a_storage_that_cannot_be_used(
    make: Callable[[Path], Any], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storages, "PATIENCE", 0.2)
    database = tmp_path / "o.db"
    holder = make(database)
    before = database.read_bytes()
    with pytest.raises(UserError) as caught:
        go(objective, space(2), database)
    assert says in str(caught.value)
    assert str(database) in str(caught.value)
    assert database.read_bytes() == before
    if holder:
        holder.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:////no/such/folder/o.db", "unable to open database file"),
        ("nonsense", "parse"),
        ("postgresql://me:secret@127.0.0.1:1/studies", "127.0.0.1"),
    ],
)
def test_a_storage_that_is_not_there(url: str, says: str, tmp_path: Path) -> None:
    """Named without its password."""
    with pytest.raises(UserError, match="storage can't be used") as caught:
        search(objective, space(1), Storage(url, tmp_path / "locks"), "s", {}, command="ferlab tune")
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_study_about_something_else_is_refused_and_kept(tmp_path: Path) -> None:
    """Another space, or another version of the parameters, under the same name."""
    database = tmp_path / "o.db"
    go(objective, space(2), database, lr="0.1..1")
    before = [asdict(r) for r in go(objective, space(2), database, lr="0.1..1")]
    with pytest.raises(UserError, match=r"made with other parameters: parameter lr 0\.1\.\.1 -> 0\.5\.\.1"):
        go(objective, space(5), database, lr="0.5..1")
    with pytest.raises(UserError, match="parameter momentum None -> 0"):
        go(objective, space(5), database, lr="0.1..1", momentum=0.9)
    assert [asdict(r) for r in go(objective, space(2), database, lr="0.1..1")] == before


def test_a_study_that_another_program_made_is_refused_and_kept(tmp_path: Path) -> None:
    database = tmp_path / "o.db"
    optuna.create_study(storage=f"sqlite:///{database}", study_name="s")
    with pytest.raises(UserError, match="'s' was not made by ferlab"):
        go(objective, space(2), database)
    assert len(study(database).trials) == 0
    with pytest.raises(UserError, match="can't name a study"):
        go(objective, space(2), database, "../s")
    assert {path.name for path in tmp_path.iterdir()} == {"o.db", "locks"}
