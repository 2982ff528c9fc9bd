"""CASE 14: a search has a total budget, and goes on after a kill as if nothing had happened."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from ferlab.adapters.tracking import connect, tracked
from ferlab.adapters.tuning import Suggestion, TrialRow, best, search
from ferlab.errors import UserError
from ferlab.params import Tune
from ferlab.project import Project
from ferlab.training.observe import Observer, all_of


def space(trials: int, **changes: Any) -> Tune:
    values: dict[str, Any] = {
        "seed": 3, "trials": trials, "epochs": 1, "train_fraction": 1.0, "lr": [1e-4, 1.0], "batch_sizes": [16, 32, 64],
    }  # fmt: skip
    return Tune.model_validate(values | changes)


def objective(suggestion: Suggestion, observe: Observer) -> float:
    value = 1 - abs(suggestion.lr - 0.01) - suggestion.batch_size / 1000
    observe(1, {"valid_accuracy": value})
    return value


def study(database: Path) -> optuna.Study:
    return optuna.load_study(study_name="s", storage=f"sqlite:///{database}")


def test_five_trials_and_five_more_equal_ten(tmp_path: Path) -> None:
    ten = search(objective, space(10), tmp_path / "ten.db", "s")
    database = tmp_path / "five.db"
    five = search(objective, space(5), database, "s")
    assert five == ten[:5]
    assert search(objective, space(10), database, "s") == ten
    assert len({row.lr for row in ten}) == 10
    assert {row.batch_size for row in ten} <= {16, 32, 64}


def test_the_number_of_trials_is_a_total(tmp_path: Path) -> None:
    calls = []

    def counted(suggestion: Suggestion, observe: Observer) -> float:
        calls.append(suggestion.number)
        return objective(suggestion, observe)

    first = search(counted, space(4), tmp_path / "o.db", "s")
    assert search(counted, space(4), tmp_path / "o.db", "s") == first
    assert search(counted, space(2), tmp_path / "o.db", "s") == first
    assert calls == [0, 1, 2, 3]


def test_another_seed_searches_elsewhere(tmp_path: Path) -> None:
    one, two = (search(objective, space(3, seed=s), tmp_path / f"{s}.db", "s") for s in (1, 2))
    assert not {row.lr for row in one} & {row.lr for row in two}


KILLED = """
import os, sys
from pathlib import Path
from ferlab.adapters.tuning import search
from ferlab.params import Tune

def objective(suggestion, observe):
    if suggestion.number == 6:
        os.kill(os.getpid(), 9)
    value = 1 - abs(suggestion.lr - 0.01) - suggestion.batch_size / 1000
    observe(1, {"valid_accuracy": value})
    return value

search(objective, Tune.model_validate_json(sys.argv[1]), Path(sys.argv[2]), "s")
"""


def test_a_killed_trial_is_taken_up_with_its_own_values(tmp_path: Path) -> None:
    """Also past TPE's ten random trials at the start nothing depends on how often the search was started."""
    whole = search(objective, space(13), tmp_path / "whole.db", "s")
    database = tmp_path / "killed.db"
    done = subprocess.run([sys.executable, "-c", KILLED, space(13).model_dump_json(), str(database)], check=False)
    assert done.returncode == -9
    assert [t.state for t in study(database).trials][6:] == [TrialState.RUNNING]
    taken = []

    def noted(suggestion: Suggestion, observe: Observer) -> float:
        taken.append(suggestion)
        return objective(suggestion, observe)

    assert search(noted, space(13), database, "s") == whole
    assert taken[0] == Suggestion(6, whole[6].lr, whole[6].batch_size)
    assert TrialState.RUNNING not in [t.state for t in study(database).trials]


def test_a_trial_that_was_interrupted_before_it_had_values_is_taken_up(tmp_path: Path) -> None:
    whole = search(objective, space(3), tmp_path / "whole.db", "s")
    database = tmp_path / "o.db"
    search(objective, space(1), database, "s")
    study(database).ask()  # as if killed right after
    assert search(objective, space(3), database, "s") == whole


def test_no_trial_with_a_value_is_an_error_that_says_why(tmp_path: Path) -> None:
    def diverge(suggestion: Suggestion, observe: Observer) -> float:
        raise UserError("the loss is no longer finite")

    with pytest.raises(UserError, match="none of 3 trials has a value: the loss is no longer finite") as caught:
        search(diverge, space(3), tmp_path / "a.db", "s")
    assert "tune.lr" in str(caught.value)
    with pytest.raises(UserError, match="none of 2 trials"):
        search(lambda suggestion, observe: float("nan"), space(2), tmp_path / "b.db", "s")


def test_a_trial_that_fails_is_noted_and_the_search_goes_on(tmp_path: Path) -> None:
    def sometimes(suggestion: Suggestion, observe: Observer) -> float:
        if suggestion.number == 1:
            raise UserError("the loss is no longer finite")
        return objective(suggestion, observe)

    rows = search(sometimes, space(3), tmp_path / "o.db", "s")
    assert [row.state for row in rows] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert rows[1].value is None
    assert study(tmp_path / "o.db").trials[1].user_attrs["error"] == "the loss is no longer finite"


def test_a_hopeless_trial_is_pruned_through_the_observer(tmp_path: Path) -> None:
    reached: dict[int, int] = {}

    def by_epochs(suggestion: Suggestion, observe: Observer) -> float:
        value = 0.1 if suggestion.number >= 6 else 0.5 + suggestion.number / 100
        for epoch in (1, 2, 3):
            reached[suggestion.number] = epoch
            observe(epoch, {"valid_accuracy": value})
        return value

    rows = search(by_epochs, space(8), tmp_path / "o.db", "s")
    assert [row.state for row in rows] == ["COMPLETE"] * 6 + ["PRUNED"] * 2
    assert reached[6] < 3
    assert best(rows).number == 5


def test_the_run_of_a_pruned_trial_is_no_failure(tmp_path: Path) -> None:
    """CASE 5 the other way round: nothing has crashed, so nothing is FAILED and there is no traceback."""
    project = Project(tmp_path)

    def in_a_run(suggestion: Suggestion, observe: Observer) -> float:
        name, value = str(suggestion.number), 0.1 if suggestion.number >= 6 else 0.5 + suggestion.number / 100
        with tracked(project, "tuning", name, identity=name, params={}, tags={}) as run:
            for epoch in (1, 2):
                all_of(run.observe, observe)(epoch, {"valid_accuracy": value})
        return value

    rows = search(in_a_run, space(7), tmp_path / "o.db", "s")
    assert rows[6].state == "PRUNED"
    client = connect(project)
    found = {r.info.run_name: r for r in client.search_runs([client.get_experiment_by_name("tuning").experiment_id])}
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert [name for name, run in found.items() if "ferlab.pruned" in run.data.tags] == ["6"]
    assert client.list_artifacts(found["6"].info.run_id) == []
    assert found["6"].data.metrics == {"valid_accuracy": 0.1}


def test_a_fault_of_the_program_is_not_swallowed(tmp_path: Path) -> None:
    def broken(suggestion: Suggestion, observe: Observer) -> float:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        search(broken, space(2), tmp_path / "o.db", "s")
    assert len(search(objective, space(2), tmp_path / "o.db", "s")) == 2


def test_the_best_trial_is_the_earliest_of_equals() -> None:
    rows = [
        TrialRow(0, 0.1, 32, 0.5, "COMPLETE"),
        TrialRow(1, 0.2, 32, 0.7, "COMPLETE"),
        TrialRow(2, 0.3, 32, 0.7, "COMPLETE"),
        TrialRow(3, 0.4, 32, 0.9, "PRUNED"),
    ]
    assert best(rows).number == 1


FIRST_START = """
import sys
import time
from pathlib import Path
from ferlab.adapters.tuning import search
from ferlab.params import Tune
folder, name = Path(sys.argv[1]), sys.argv[3]
(folder / f"ready-{name}").touch()
while len(list(folder.glob("ready-*"))) < 8: time.sleep(0.005)
search(lambda suggestion, observe: suggestion.lr, Tune.model_validate_json(sys.argv[2]), folder / "o.db", name)
"""


def test_eight_first_starts_at_once_all_succeed(tmp_path: Path) -> None:
    """CASE 3: eight searches, one fresh database."""
    words = [sys.executable, "-c", FIRST_START, str(tmp_path), space(2).model_dump_json()]
    started = [subprocess.Popen([*words, str(i)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for i in range(8)]
    outputs = [process.communicate(timeout=240)[0].decode() for process in started]
    assert [process.returncode for process in started] == [0] * 8, "\n".join(outputs)
    studies = optuna.get_all_study_summaries(storage=f"sqlite:///{tmp_path}/o.db")
    assert {summary.study_name: summary.n_trials for summary in studies} == {str(i): 2 for i in range(8)}
