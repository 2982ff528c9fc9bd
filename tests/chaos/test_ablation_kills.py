"""An ablation that is killed again and again ends as if nothing had happened."""

import json
import os
import random
import signal
import time
from collections import Counter

import pytest
from mlflow import MlflowClient

from temporary import TemporaryProject

pytestmark = pytest.mark.chaos

KILLS = 20
WORDS = (
    "ferlab", "ablate", "--arm", "resnet50-dcgan", "--grid", "synthetic=dcgan,none",
    "--grid", "weight_decay=0,0.001,0.01",
    "--seeds", "3", "--set", "epochs=3", "--jobs", "2", "--json",
)  # fmt: skip


def values(project: TemporaryProject, answer: str) -> dict[str, tuple[str, dict[str, list[tuple[int, float]]]]]:
    """MLflow's status and whole metric histories of every run of the answer, by identity."""
    client = MlflowClient(f"sqlite:///{project.root / 'mlflow.db'}")
    found = {}
    for run in (client.get_run(r["mlflow_run"]) for r in json.loads(answer[answer.index("{") :])["runs"]):
        history = {
            name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
        }
        found[run.data.tags["ferlab.identity"]] = (run.info.status, history)
    return found


@pytest.mark.timeout(1800)
def test_twenty_kills_at_random_moments_lose_and_double_nothing(
    finished: TemporaryProject, done: TemporaryProject
) -> None:
    calm = finished.copy(done.root.parent / "calm")
    undisturbed = calm.run(*WORDS, timeout=900)
    moments, kills = random.Random(0), 0
    while kills < KILLS:
        process = done.start(*WORDS, log="killed.txt")
        time.sleep(moments.uniform(1, 12))
        if process.poll() is not None:  # it got through between two kills: make it run again
            assert process.returncode == 0, done.beside("killed.txt").read_text()
            break
        os.kill(process.pid, signal.SIGKILL)  # the parent alone: its children must notice
        process.wait()
        kills += 1
    output = done.run(*WORDS, timeout=900)
    wanted, found = values(calm, undisturbed), values(done, output)
    assert len(wanted) == 18
    assert found == wanted
    client = MlflowClient(f"sqlite:///{done.root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("classifiers")
    assert experiment
    runs = client.search_runs([experiment.experiment_id], "tags.stage = 'train'", max_results=1000)
    assert Counter(run.data.tags["ferlab.identity"] for run in runs).most_common(1)[0][1] == 1
    assert kills == KILLS, f"only {kills} kills before it got through"
