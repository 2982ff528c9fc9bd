"""Questions on a real Ray cluster of several nodes on this machine, nodes and drivers killed under way."""

import json
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ferlab.errors import UserError
from ferlab.execution.ray.cluster import connected, must_fit
from nodes import PATIENCE, elsewhere, other_numpy, wait_for_checkpoint
from temporary import TemporaryProject, stop

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3600)]
ray = pytest.importorskip("ray", reason="needs the extra cluster")

SETTINGS = {
    "classifiers": {"resnet50": {"epochs": 20}},
    "runtime": {"checkpoint_seconds": 0, "memory_gib": 0.5},
}
ASK = ("ferlab", "ablate", "--arm", "resnet50", "--set", "tuned=false", "--json", "--grid")
TRAINED = "FROM runs r JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = 'stage' AND s.value = 'train' \
JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'ferlab.identity'"


@pytest.fixture(scope="module")
def prepared(untouched: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """A project with its images, and nothing trained."""
    project = untouched.copy(tmp_path_factory.mktemp("prepared") / "project")
    project.change(SETTINGS | {"runtime": {**SETTINGS["runtime"], "checkpoints": str(project.beside("inflight"))}})
    project.run("dvc", "repro", "--quiet", "audit")
    return project


@pytest.fixture(scope="module")
def here(prepared: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """The same after a question that was answered without a cluster."""
    project = prepared.copy(tmp_path_factory.mktemp("here") / "project")
    project.run(*ASK, "lr=0.05,0.02", "--jobs", "2", timeout=PATIENCE)
    return project


def answers(project: TemporaryProject) -> dict[str, bytes]:
    """Each answer's predictions, byte for byte."""
    folder = project.root / ".ferlab" / "ablation" / "answers"
    return {path.parent.name: path.read_bytes() for path in folder.glob("*/valid.parquet")}


def metrics(project: TemporaryProject) -> Counter[tuple[Any, ...]]:
    """(identity, metric, step, value) of every training, each as often as it was logged, but for the measured speed."""
    rows = project.query(f"SELECT t.value, m.key, m.step, m.value {TRAINED} JOIN metrics m ON m.run_uuid = r.run_uuid")
    return Counter(row for row in rows if row[1] != "images_per_second")


def must_equal(project: TemporaryProject, here: TemporaryProject) -> None:
    """Every training is in MLflow once and finished, with the metrics and answers of those without a cluster."""
    assert answers(project) == answers(here)
    assert metrics(project) == metrics(here)
    runs = project.query(f"SELECT t.value, r.status, r.run_uuid {TRAINED}")
    assert sorted((identity, status) for identity, status, _ in runs) == [
        (identity, "FINISHED") for identity in sorted(answers(project))
    ]
    told = [json.loads(path.read_text()) for path in (project.root / ".ferlab/ablation/answers").glob("*/answer.json")]
    assert {(one["identity"], one["mlflow_run"]) for one in told} == {(identity, run) for identity, _, run in runs}
    assert list((project.root / ".ferlab").glob(".arrived-*")) == []
    assert list(project.beside("inflight").rglob("*.safetensors")) == []  # nothing is kept of what has ended


def test_a_lost_nodes_training_goes_on_elsewhere_from_its_last_checkpoint(
    cluster: Any, add_node: Callable[..., Any], project: TemporaryProject, here: TemporaryProject
) -> None:
    lost = add_node()
    process = project.start(*ASK, "lr=0.05,0.02", "--on", cluster.address, log="lost.txt")
    try:
        wait_for_checkpoint(project, process, "lost.txt")
        cluster.remove_node(lost, allow_graceful=False)
        add_node()
        assert process.wait(PATIENCE) == 0, project.beside("lost.txt").read_text()
    finally:
        stop(process)
    must_equal(project, here)
    paces = project.query(
        f"SELECT t.value, m.step {TRAINED} JOIN metrics m USING (run_uuid) WHERE m.key = 'images_per_second'"
    )
    trained = Counter(
        identity for identity, _ in paces
    )  # a measured speed is told of what was trained, not of what was read
    assert min(trained.values()) < max(trained.values()) == SETTINGS["classifiers"]["resnet50"]["epochs"]


@pytest.mark.long
def test_a_driver_killed_and_started_again_goes_on(
    cluster: Any, add_node: Callable[..., Any], project: TemporaryProject, here: TemporaryProject
) -> None:
    add_node()
    for kill in range(3):
        process = project.start(*ASK, "lr=0.05,0.02", "--on", cluster.address, log=f"killed-{kill}.txt")
        try:
            wait_for_checkpoint(project, process, f"killed-{kill}.txt")
            process.send_signal(signal.SIGKILL)
        finally:
            stop(process)
    project.run(*ASK, "lr=0.05,0.02", "--on", cluster.address, timeout=PATIENCE)
    must_equal(project, here)


def _other_ferlab(folder: Path) -> str:
    """A folder with a copy of ferlab that has been edited."""
    import shutil

    from ferlab.code.source import SOURCE

    shutil.copytree(SOURCE, folder / "ferlab", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "ferlab" / "gan" / "fit.py").open("a") as source:
        source.write("# edited\n")
    return str(folder)


@pytest.mark.long
@pytest.mark.parametrize(("other", "told"), [(other_numpy, "numpy 9.9"), (_other_ferlab, "it differs in gan")])
def test_a_node_with_other_versions_is_named_before_anything_runs(
    other: Callable[[Path], str], told: str, cluster: Any, add_node: Callable[..., Any], tmp_path: Path
) -> None:
    add_node(env_vars=elsewhere(other(tmp_path / "other")))
    with pytest.raises(UserError) as error, connected(cluster.address, 1):
        pass
    assert told in str(error.value)


@pytest.mark.long
def test_a_cluster_too_small_for_a_task_says_which_resource(cluster: Any, add_node: Callable[..., Any]) -> None:
    add_node()
    fits = {"threads": 1, "gpu": 0.0, "memory": 2**29}
    with connected(cluster.address, 1):
        must_fit([fits])
        for key, amount, told in (
            ("threads", 3, "3 CPUs (compute.threads), and the largest node has 1 CPUs"),
            ("gpu", 0.5, "0.5 GPUs (runtime.gpu_share), and the largest node has 0 GPUs"),
            ("memory", 2**33, "8 GiB of memory (runtime.memory_gib), and the largest node has 1 GiB"),
        ):
            with pytest.raises(UserError) as error:
                must_fit([fits, fits | {key: amount}])
            assert told in str(error.value)
