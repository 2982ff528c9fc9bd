"""Ablations under fire, in numbers, and as the guide asks them: real processes in real temporary projects."""

import random
import re
import shlex
import subprocess
import time
from collections import Counter
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from temporary import REPOSITORY, TemporaryProject, json_in, stop

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(7200)]

PATIENCE = 900  # seconds until a started question must train, on a busy machine
LONGER = {"classifiers": {"resnet50": {"epochs": 8}}, "runtime": {"checkpoint_seconds": 0}}
ASK = ("ferlab", "ablate", "--arm", "resnet50-dcgan", "--jobs", "2", "--grid", "synthetic=none,dcgan")
SHORT, LONG = (*ASK, "--grid", "lr=0.05,0.02"), (*ASK, "--grid", "lr=0.05,0.02,0.01", "--seeds", "2")
RUNS = "FROM runs r JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = 'stage' AND s.value = 'train' \
JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'ferlab.identity'"


def trained(project: TemporaryProject) -> list[tuple[str, str]]:
    """(identity, status) of every training in MLflow."""
    return sorted(project.query(f"SELECT t.value, r.status {RUNS}"))


def metrics(project: TemporaryProject) -> Counter[tuple[str, str, int, float]]:
    """(identity, metric, step, value) of every training, each as often as it was logged, but for the measured speed."""
    rows = project.query(f"SELECT t.value, m.key, m.step, m.value {RUNS} JOIN metrics m ON m.run_uuid = r.run_uuid")
    return Counter(row for row in rows if row[1] != "images_per_second")


def answered(output: str) -> dict[str, float]:
    """Identity of a point to its accuracy."""
    return {run["identity"]: run["accuracy"] for run in json_in(output)["runs"]}


def progress(project: TemporaryProject) -> dict[Path, int]:
    """What an ablation writes while it trains, with the times of the last writes."""
    return project.written("state.safetensors", "answer.json")


@pytest.fixture(scope="module")
def longer(finished: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """A finished project whose points train for some seconds, and write all the while."""
    project = finished.copy(tmp_path_factory.mktemp("longer") / "project")
    project.change(LONGER)
    return project


def kill_at_a_random_moment(project: TemporaryProject, words: tuple[str, ...], chance: random.Random) -> None:
    """Ask the question and kill all its processes: now and then before it trains, else between two checkpoints."""
    process = project.start(*words, log="killed.txt")
    try:
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0, 2))  # imports alone take longer than it has
        else:
            wait_for_checkpoints(project, process, chance.randint(1, 4))
            time.sleep(chance.uniform(0, 0.1))
        assert process.poll() is None, "it ended before it could be killed"
    finally:
        stop(process)


def wait_for_checkpoints(project: TemporaryProject, process: "subprocess.Popen[bytes]", writes: int) -> None:
    """Wait until the points have been seen to write so often."""
    deadline, before = time.monotonic() + PATIENCE, progress(project)
    while writes:
        assert process.poll() is None, project.beside("killed.txt").read_text()
        assert time.monotonic() < deadline, "no point has trained so far"
        time.sleep(0.01)
        now = progress(project)
        writes -= now != before
        before = now


@pytest.mark.parametrize(
    ("kills", "question", "points"), [(2, SHORT, 4), pytest.param(20, LONG, 12, marks=pytest.mark.long)]
)
def test_kills_change_nothing(
    kills: int,
    question: tuple[str, ...],
    points: int,
    longer: TemporaryProject,
    chance: random.Random,
    tmp_path: Path,
) -> None:
    """Every point is in MLflow once, finished, with the metrics and the answer of the question never disturbed."""
    undisturbed, project = (longer.copy(tmp_path / name) for name in ("undisturbed", "project"))
    expected = answered(undisturbed.run(*question, "--json", timeout=3600))
    assert len(expected) == points
    for _ in range(kills):
        kill_at_a_random_moment(project, question, chance)
    assert answered(project.run(*question, "--json", timeout=3600)) == expected
    assert trained(project) == trained(undisturbed)
    assert set(Counter(identity for identity, _ in trained(project)).values()) == {1}
    assert {status for identity, status in trained(project) if identity in expected} == {"FINISHED"}
    assert metrics(project) == metrics(undisturbed)
    leftovers = [path for path in (project.root / ".ferlab" / "ablation").rglob(".*") if path.is_dir()]
    assert leftovers == []


@pytest.mark.long  # each run of the null model takes some twenty seconds here
@pytest.mark.parametrize("count", [3, 50])
def test_many_points_none_lost_none_doubled(count: int, done: TemporaryProject) -> None:
    """`count` values with two seeds each, which differ where a fit draws something."""
    values = [f"{10 ** (-3 - i / 25):.6f}" for i in range(count)]
    grid = f"alpha={','.join(values)}"
    words = ("ferlab", "ablate", "--arm", "null_model", "--grid", grid, "--seeds", "2", "--jobs", "2")
    output = done.run(*words, "--json", "--out", "many.csv", timeout=3600)
    runs = json_in(output)["runs"]
    asked = [(run["point"]["varied"]["classifiers.null_model.alpha"], run["point"]["seed"]) for run in runs]
    assert asked == list(product(map(float, values), (0, 1)))
    assert {run["source"] for run in runs} <= {"run", "pipeline"}
    identities = {run["identity"] for run in runs}
    assert len(identities) == 2 * count
    assert {i: status for i, status in trained(done) if i in identities} == dict.fromkeys(identities, "FINISHED")
    assert max(Counter(identity for identity, _ in trained(done)).values()) == 1
    assert list(pd.read_csv(done.root / "many.csv")["runs"]) == [2] * count


def test_two_questions_at_once_share_what_both_ask(done: TemporaryProject) -> None:
    one = ("ferlab", "ablate", "--arm", "resnet50-dcgan", "--grid", "lr=0.05,0.02,0.01", "--json")
    two = ("ferlab", "ablate", "--arm", "resnet50-dcgan", "--grid", "lr=0.01,0.02,0.005", "--json")
    started = [
        subprocess.Popen(words, cwd=done.root, env=done.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for words in (one, two)
    ]
    outputs = [process.communicate(timeout=PATIENCE) for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    first, second = (answered(out) for out, _ in outputs)
    assert len(first | second) == 4
    assert {i: first[i] for i in first.keys() & second.keys()} == {i: second[i] for i in first.keys() & second.keys()}
    assert max(Counter(identity for identity, _ in trained(done)).values()) == 1


@pytest.mark.long
def test_the_guides_questions_are_answered_as_it_says(done: TemporaryProject) -> None:
    """Its commands, word for word, and what it says of them: 0 images a class are the plain arm, too many are all."""
    guide = (REPOSITORY / "docs" / "guide" / "ablation.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", guide, flags=re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) == 4
    assert all(command.startswith("ferlab ablate ") for command in commands)
    for command in commands:
        done.run(*shlex.split(command), timeout=3600)
    table = (done.root / "images-or-steps.md").read_text()
    assert "none" in table
    assert "dcgan" in table
    dose = pd.read_csv(done.root / "dose.csv")
    assert list(dose["arms.resnet50-dcgan.synthetic_per_class"]) == [0, 250, 1000]
    assert list(dose["runs"]) == [3, 3, 3]
    none, some, all_of_them = dose["accuracy"]
    plain = done.run("ferlab", "ablate", "--arm", "resnet50-dcgan", "--set", "synthetic=none", "--seeds", "3", "--json")
    assert none == pytest.approx(100 * sum(answered(plain).values()) / 3)
    assert some == all_of_them  # of a set with fewer images a class than either
