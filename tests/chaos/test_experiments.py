"""DVC's experiments on the whole pipeline, as the guide asks them; no process is killed here."""

import json
from typing import Any

import pytest

from temporary import TemporaryProject

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

ASK = ("ferlab", "--quiet", "ablate", "--arm", "svm", "--grid", "C=0.02,0.5", "--dvc", "--json")
OWN = ("dvc", "exp", "run", "--quiet", "-S")
TRACKED = "SELECT e.value, r.name, r.status FROM runs r JOIN tags e ON e.run_uuid = r.run_uuid AND \
e.key = 'dvc.experiment' ORDER BY r.start_time"


def asked(project: TemporaryProject) -> list[dict[str, Any]]:
    """The points of the grid, as `ferlab ablate --dvc` answers them; what stderr says comes behind."""
    points: list[dict[str, Any]] = json.JSONDecoder().raw_decode(project.run(*ASK, timeout=1800))[0]
    return points


def shown(project: TemporaryProject) -> dict[str, Any]:
    """Experiment to what `dvc exp show` has of it."""
    (_, head) = json.loads(project.run("dvc", "exp", "show", "--json"))
    revisions = [experiment["revs"][-1] for experiment in head["experiments"] or []]
    return {revision["name"]: revision["data"] for revision in revisions}


def is_scored(data: Any) -> bool:
    """Whether it has the metrics of both arms."""
    return set(data["metrics"]["reports/tiny/summary.json"]["data"]["accuracy"]) == {"resnet50-dcgan", "svm"}


def test_experiments_are_compared_adopted_and_tracked_in_the_projects_own_store(done: TemporaryProject) -> None:
    """A grid, then one of each kind that DVC itself begins: here, in a queue, in a copy."""
    points = asked(done)
    assert [point["changes"]["classifiers.svm.C"] for point in points] == [0.02, 0.5]
    assert {point["state"] for point in points} == {"done"}
    assert asked(done) == points  # nothing is run again
    names = [point["name"] for point in points]
    done.run(*OWN, "classifiers.svm.C=0.03", "-n", "here")
    done.run("git", "checkout", "--", ".")
    done.run("dvc", "checkout", "--quiet", "--force")
    done.run(*OWN, "classifiers.svm.C=0.04", "-n", "queued", "--queue")
    done.run("dvc", "exp", "run", "--run-all", timeout=1800)
    done.run(*OWN, "classifiers.svm.C=0.06", "-n", "copied", "--temp")
    assert done.dirt() == ""
    values = {names[0]: 0.02, names[1]: 0.5, "here": 0.03, "queued": 0.04, "copied": 0.06}
    found = shown(done)
    parameters = {name: data["params"]["params.yaml"]["data"] for name, data in found.items()}
    assert {name: told["classifiers"]["svm"]["C"] for name, told in parameters.items()} == values
    assert all(map(is_scored, found.values()))
    tracked = done.query(TRACKED)
    assert {status for *_, status in tracked} == {"FINISHED"}
    trained = [name for name, run, _ in tracked if run.startswith("svm")]
    assert sorted(trained) == sorted(values), tracked
    assert not list((done.root / ".dvc" / "tmp" / "exps").rglob("mlflow.db"))
    done.run("dvc", "exp", "apply", names[1])
    assert done.params.classifiers["svm"].model_dump()["C"] == 0.5
    assert [line["settings"]["C"] for line in done.ledger() if line["arm"] == "svm"][-1] == 0.5
    assert done.due() == set()
    done.commit("Adopt it")
    assert "Running stage" not in done.repro()
