"""`reproduce` and `tune` on a real Ray cluster, their drivers killed under way."""

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nodes import PATIENCE, elsewhere, other_numpy, wait_for_checkpoint
from temporary import TemporaryProject, stop

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(3600)]
pytest.importorskip("ray", reason="needs the extra cluster")

EPOCHS = 40
SETTINGS = {
    "run": {"families": ["cgan"], "tuned": [], "arms": ["resnet50-cgan", "svm"]},
    "arms": {"resnet50-cgan": {"classifier": "resnet50", "synthetic": "cgan", "tuned": False}},
    "gan": {"families": {"cgan": {"base_channels": 2, "epochs": 2}}},
    "classifiers": {"resnet50": {"epochs": EPOCHS}},
    "tune": {"trials": 2, "epochs": EPOCHS},
    "runtime": {"checkpoint_seconds": 0, "memory_gib": 0.5},
}
TUNE = ("ferlab", "--quiet", "tune", "resnet50")
OF_RUNS = "FROM runs r JOIN (SELECT * FROM tags WHERE key = 'ferlab.identity') t USING (run_uuid)"


@pytest.fixture(scope="module")
def prepared(untouched: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """A project with its images, and nothing trained."""
    project = untouched.copy(tmp_path_factory.mktemp("prepared") / "project")
    project.change(SETTINGS)
    project.run("dvc", "repro", "--quiet", "audit", "code")
    project.commit("Settings")
    return project


def metrics(project: TemporaryProject) -> Counter[tuple[Any, ...]]:
    """(identity, metric, step, value) of every run, each as often as it was logged, but for the measured speed."""
    rows = project.query(f"SELECT t.value, m.key, m.step, m.value {OF_RUNS} JOIN metrics m USING (run_uuid)")
    return Counter(row for row in rows if row[1] != "images_per_second")


def trials(said: str) -> list[str]:
    """What a search prints of its trials; Ray may have warned of something."""
    return [line for line in said.splitlines() if line.startswith(("trial ", "best: "))]


def runs(project: TemporaryProject) -> list[tuple[Any, ...]]:
    return sorted(project.query(f"SELECT t.value, r.name, r.status {OF_RUNS}"))


def test_a_rebuild_whose_driver_is_killed_goes_on_and_equals_one_without_a_cluster(
    cluster: Any, add_node: Callable[..., Any], prepared: TemporaryProject, project: TemporaryProject, tmp_path: Path
) -> None:
    here = prepared.copy(tmp_path / "here")
    here.repro("--quiet")
    add_node()
    words = ("ferlab", "reproduce", "--on", cluster.address)
    process = project.start(*words, log="killed.txt")
    try:
        wait_for_checkpoint(project, process, "killed.txt")
        process.send_signal(signal.SIGKILL)
    finally:
        stop(process)
    said = project.run(*words, timeout=PATIENCE)
    assert project.due() == set(), said
    theirs, ours = project.locked(), here.locked()
    assert theirs.keys() == ours.keys()
    for stage in theirs.keys() - {"report"}:  # which names each line of the ledger
        assert theirs[stage] == ours[stage], stage
    assert runs(project) == runs(here)
    assert {status for *_, status in runs(project)} == {"FINISHED"}
    assert metrics(project) == metrics(here)
    facts = ("arm", "identity", "checkpoint", "gan", "predictions", "circumstances_of", "machine", "lock", "commit")
    told = [sorted([str(line[fact]) for fact in facts] for line in one.ledger()) for one in (project, here)]
    assert told[0] == told[1]
    paces = project.query("SELECT count(*) FROM metrics WHERE key = 'images_per_second'")[0][0]
    whole = here.query("SELECT count(*) FROM metrics WHERE key = 'images_per_second'")[0][0]
    assert 0 < paces < whole  # what was trained before the kill wasn't trained again
    assert list(project.beside("inflight").rglob("*.safetensors")) == []
    assert list((project.root / ".ferlab" / "arrived").iterdir()) == []


def test_a_search_whose_driver_is_killed_goes_on_and_equals_one_without_a_cluster(
    cluster: Any, add_node: Callable[..., Any], prepared: TemporaryProject, project: TemporaryProject, tmp_path: Path
) -> None:
    here = prepared.copy(tmp_path / "here")
    add_node()
    words = (*TUNE, "--on", cluster.address)
    process = project.start(*words, log="killed.txt")
    try:
        wait_for_checkpoint(project, process, "killed.txt", f"*/1-{EPOCHS}/state.safetensors")
        process.send_signal(signal.SIGKILL)
    finally:
        stop(process)
    first = dict(project.query("SELECT name, end_time FROM runs WHERE name LIKE '%-0'"))
    assert trials(project.run(*words, timeout=PATIENCE)) == trials(here.run(*TUNE))
    assert runs(project) == runs(here)
    assert metrics(project) == metrics(here)
    assert dict(project.query("SELECT name, end_time FROM runs WHERE name LIKE '%-0'")) == first
    assert list(project.beside("inflight").rglob("*.safetensors")) == []


TOO_SMALL: list[tuple[dict[str, Any], str]] = [
    ({"runtime": {"memory_gib": 8.0}}, "8 GiB of memory (runtime.memory_gib), and the largest node has 1 GiB"),
    ({"compute": {"threads": 3}}, "3 CPUs (compute.threads), and the largest node has 1 CPUs"),
    ({"compute": {"device": "cuda"}}, "1 GPUs (runtime.gpu_share), and the largest node has 0 GPUs"),
]


@pytest.mark.parametrize(
    ("words", "too_small"),
    [
        (("reproduce",), TOO_SMALL[:2]),  # it needs a GPU here too, and says so first
        (("tune", "resnet50"), TOO_SMALL),
        (("ablate", "--arm", "svm", "--grid", "C=0.1"), TOO_SMALL),
    ],
)
def test_a_cluster_that_cannot_do_it_is_told_before_anything_is_begun(
    words: tuple[str, ...],
    too_small: list[tuple[dict[str, Any], str]],
    cluster: Any,
    add_node: Callable[..., Any],
    project: TemporaryProject,
    tmp_path: Path,
) -> None:
    """A node has other packages; then each has the right ones and too little of some resource."""
    other = add_node(env_vars=elsewhere(other_numpy(tmp_path / "other")))
    said = project.run("ferlab", *words, "--on", cluster.address, code=2)
    assert "has other versions: numpy 9.9" in said
    cluster.remove_node(other, allow_graceful=False)
    add_node()
    own = (project.root / "params.yaml").read_text()
    for changes, told in too_small:
        project.change(changes)
        assert told in project.run("ferlab", *words, "--on", cluster.address, code=2)
        (project.root / "params.yaml").write_text(own)
    assert not (project.root / ".ferlab" / "logs").exists()
    assert not (project.root / ".ferlab" / "ablation").exists()
