"""DVC's experiments on the whole pipeline, as the guide asks them; no process is killed here."""

import json
from pathlib import Path
from typing import Any

import pytest

from temporary import TemporaryProject

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

ASK = ("ferlab", "--quiet", "ablate", "--arm", "svm", "--grid", "C=0.02,0.5", "--dvc", "--json")
OWN = ("dvc", "exp", "run", "--quiet", "-S")
TRACKED = "SELECT e.value, r.name, r.status FROM runs r JOIN tags e ON e.run_uuid = r.run_uuid AND \
e.key = 'dvc.experiment' ORDER BY r.start_time"


def shown(project: TemporaryProject) -> dict[str, Any]:
    """Experiment to what `dvc exp show` has of it."""
    (_, head) = json.loads(project.run("dvc", "exp", "show", "--json"))
    revisions = [experiment["revs"][-1] for experiment in head["experiments"] or []]
    return {revision["name"]: revision["data"] for revision in revisions}


def of_svm(data: Any) -> tuple[float, float]:
    """C, and the arm's test accuracy."""
    parameters = data["params"]["params.yaml"]["data"]
    metrics = data["metrics"][str(Path("reports", "tiny", "summary.json"))]["data"]
    return parameters["classifiers"]["svm"]["C"], metrics["arms"]["svm"]["accuracy"]


def test_experiments_are_compared_adopted_and_tracked_in_the_projects_own_store(done: TemporaryProject) -> None:
    """A grid, then one of each kind that DVC itself begins: here, in a queue, in a copy."""
    points = json.loads(done.run(*ASK, timeout=1800).partition("\n]")[0] + "\n]")
    assert [(point["changes"]["classifiers.svm.C"], point["state"]) for point in points] == [
        (0.02, "done"),
        (0.5, "done"),
    ]
    names = [point["name"] for point in points]
    again = json.loads(done.run(*ASK).partition("\n]")[0] + "\n]")
    assert [(point["name"], point["state"]) for point in again] == [(name, "done") for name in names]
    done.run(*OWN, "classifiers.svm.C=0.03", "-n", "here")
    done.run("git", "checkout", "--", ".")
    done.run("dvc", "checkout", "--quiet", "--force")
    done.run(*OWN, "classifiers.svm.C=0.04", "-n", "queued", "--queue")
    done.run("dvc", "exp", "run", "--run-all", timeout=1800)
    done.run(*OWN, "classifiers.svm.C=0.06", "-n", "copied", "--temp")
    assert done.dirt() == ""
    values = {names[0]: 0.02, names[1]: 0.5, "here": 0.03, "queued": 0.04, "copied": 0.06}
    found = shown(done)
    assert {name: of_svm(data)[0] for name, data in found.items()} == values
    tracked = done.query(TRACKED)
    assert {name for name, _, _ in tracked} == set(values)
    assert {status for *_, status in tracked} == {"FINISHED"}
    trained = [name for name, run, _ in tracked if run.startswith("svm")]
    assert sorted(trained) == sorted(values), tracked
    assert not list((done.root / ".dvc" / "tmp" / "exps").rglob("mlflow.db"))
    done.run("dvc", "exp", "apply", names[1])
    assert done.params.classifiers["svm"].model_dump()["C"] == 0.5
    summary = json.loads((done.root / "reports" / "tiny" / "summary.json").read_text())
    assert summary["arms"]["svm"]["accuracy"] == of_svm(found[names[1]])[1]
    assert done.due() == set()
    done.commit("Adopt it")
    assert "Running stage" not in done.repro()
