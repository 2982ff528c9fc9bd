"""Ablations for real: tiny trainings in a temporary project, through the command line.

What trains is of the chaos tier: it takes minutes.
"""

import json
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from temporary import TemporaryProject, json_in


def trained(project: TemporaryProject) -> list[str]:
    """The identities of MLflow's train runs, each as often as it stands there."""
    client = MlflowClient(f"sqlite:///{project.root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("classifiers")
    assert experiment
    found = client.search_runs([experiment.experiment_id], "tags.stage = 'train'", max_results=1000)
    return [run.data.tags["ferlab.identity"] for run in found]


def logged(project: TemporaryProject, seed: int) -> list[tuple[str, Counter[tuple[str, int]]]]:
    """The status of each of a seed's trainings in MLflow, and how often it logged a metric, but speed, at a step."""
    runs = project.query(
        "SELECT r.run_uuid, r.status FROM runs r JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = 'seed' "
        f"AND s.value = '{seed}' JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'stage' AND t.value = 'train'"
    )
    metrics = "SELECT key, step FROM metrics WHERE key != 'images_per_second' AND run_uuid = "
    return [(status, Counter(project.query(f"{metrics}'{run}'"))) for run, status in runs]


QUESTION = ("ablate", "--arm", "resnet50-dcgan", "--grid", "synthetic=dcgan,none", "--seeds", "2")


@pytest.fixture(scope="module")
def asked(finished: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """A finished project in which one question has been asked, with two jobs."""
    project = finished.copy(tmp_path_factory.mktemp("ablation") / "project")
    answer = project.run("ferlab", *QUESTION, "--jobs", "2", "--json", "--out", "table.csv")
    project.beside("answer.json").write_text(answer[answer.index("{") :])
    return project


@pytest.mark.chaos
def test_each_point_is_answered_and_the_pipelines_own_run_is_taken(asked: TemporaryProject) -> None:
    answer = json.loads(asked.beside("answer.json").read_text())
    sources = {
        (r["point"]["varied"]["arms.resnet50-dcgan.synthetic"], r["point"]["seed"]): r["source"] for r in answer["runs"]
    }
    assert sources == {("dcgan", 0): "pipeline", ("dcgan", 1): "run", ("none", 0): "run", ("none", 1): "run"}
    record = json.loads((asked.root / "work/runs/resnet50-dcgan-0/run.json").read_text())
    own = answer["runs"][0]
    assert own["identity"] == record["identity"]
    assert own["accuracy"] == pytest.approx(record["valid_accuracy"], abs=1e-12)
    assert Counter(trained(asked)).most_common(1)[0][1] == 1
    assert {r["identity"] for r in answer["runs"]} <= set(trained(asked))


@pytest.mark.chaos
def test_the_table_is_the_mean_over_seeds_against_the_first_point(asked: TemporaryProject) -> None:
    answer = json.loads(asked.beside("answer.json").read_text())
    first, second = ([r["accuracy"] for r in answer["runs"][i : i + 2]] for i in (0, 2))
    table = pd.read_csv(asked.root / "table.csv")
    assert list(table["accuracy"]) == pytest.approx([100 * sum(first) / 2, 100 * sum(second) / 2])
    assert table["difference"].iloc[1] == pytest.approx(100 * (sum(second) - sum(first)) / 2)
    assert pd.isna(table["difference"].iloc[0])
    assert list(table["runs"]) == [2, 2]


@pytest.mark.chaos
def test_children_belong_to_the_questions_own_run(asked: TemporaryProject) -> None:
    client = MlflowClient(f"sqlite:///{asked.root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("classifiers")
    assert experiment
    (parent,) = client.search_runs([experiment.experiment_id], "tags.stage = 'ablate'")
    children = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert len(children) == 3  # the fourth is the pipeline's
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics == {"points": 4, "failed": 0}


@pytest.mark.chaos
def test_asked_again_nothing_is_run_and_the_answer_is_the_same(asked: TemporaryProject) -> None:
    before = trained(asked)
    plan = json.loads(asked.run("ferlab", *QUESTION, "--dry-run", "--json"))
    assert [p["state"] for p in plan] == ["pipeline", "earlier", "earlier", "earlier"]
    assert {p["seconds"] for p in plan} == {0.0}
    again = asked.run("ferlab", *QUESTION, "--json")
    runs = json.loads(again[again.index("{") :])["runs"]
    assert [r["source"] for r in runs] == [p["state"] for p in plan]
    told = json.loads(asked.beside("answer.json").read_text())["runs"]
    assert [r["accuracy"] for r in runs] == [r["accuracy"] for r in told]
    assert trained(asked) == before


@pytest.mark.chaos
def test_a_point_that_fails_leaves_the_others_be(asked: TemporaryProject) -> None:
    output = asked.run(
        "ferlab", "ablate", "--arm", "resnet50-dcgan", "--grid", "lr=0.05,10", "--set", "momentum=0.99",
        "--set", "epochs=3", "--set", "tuned=false", code=1,
    )  # fmt: skip
    assert "failed: lr=10, seed 0: the" in output
    assert "no longer finite" in output
    assert "lr=0.05, seed 0:" in output


@pytest.mark.chaos
def test_the_pipelines_files_are_as_before(asked: TemporaryProject) -> None:
    assert asked.run("git", "status", "--porcelain", "--untracked-files=no") == ""
    assert "up to date" in asked.repro()


@pytest.mark.chaos
def test_train_answers_for_one_run(asked: TemporaryProject) -> None:
    output = asked.run("ferlab", "train", "svm", "--seed", "0", "--json")
    answer = json_in(output)
    record = json.loads((asked.root / "work/runs/svm-0/run.json").read_text())
    assert answer["runs"][0]["source"] == "pipeline"
    assert answer["summary"][0]["accuracy"] == pytest.approx(100 * record["valid_accuracy"])


@pytest.mark.chaos
def test_ctrl_c_stops_it_and_the_same_command_goes_on(asked: TemporaryProject) -> None:
    words = (
        "ferlab",
        "ablate",
        "--arm",
        "resnet50-dcgan",
        "--set",
        "synthetic=none",
        "--grid",
        "weight_decay=0,0.001,0.01",
    )
    process = asked.start(*words, log="stopped.txt")
    log = asked.beside("stopped.txt")
    while b"1/3" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert "the same command continues" in log.read_text()
    output = asked.run(*words)
    assert "known already" in output
    assert Counter(trained(asked)).most_common(1)[0][1] == 1


KILLED = """
import os, signal, sys
from ferlab.ablation.answer import answer
from ferlab.ablation.question import Point
from ferlab.adapters.tracking import TrackedRun
from ferlab.evaluation import predictions
from ferlab.project import Project

where, name = {"tracked": (TrackedRun, "figures"), "kept": (predictions, "write")}[sys.argv[1]]
setattr(where, name, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
answer(Project.find(), Point("resnet50", int(sys.argv[2]), {}, {}))
"""


@pytest.mark.chaos
@pytest.mark.parametrize(("moment", "seed", "left"), [("tracked", 7, "RUNNING"), ("kept", 9, "FINISHED")])
def test_a_kill_between_training_and_answer_leaves_nothing_open(
    moment: str, seed: int, left: str, asked: TemporaryProject
) -> None:
    """Asked again, MLflow is told what it hadn't been by then, without another training, and half an answer goes."""
    asked.python(KILLED, moment, str(seed), code=-signal.SIGKILL)
    assert [status for status, *_ in logged(asked, seed)] == [left]
    answers = asked.root / ".ferlab" / "ablation" / "answers"
    assert len(list(answers.glob(".*"))) == (moment == "kept")
    for one in (seed, 8):
        output = asked.run("ferlab", "train", "resnet50", "--seed", str(one), "--json")
        assert json_in(output)["runs"][0]["source"] in ("run", "earlier")
    (killed,), (never_killed,) = logged(asked, seed), logged(asked, 8)
    assert killed == never_killed
    assert killed[0] == "FINISHED"
    assert list(answers.glob(".*")) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("ablate", "--arm", "resnet50-dcgan", "--grid", "synthetic=none,dcgan", "--out", "table.xlsx"),
            ".csv, .md, .json",
        ),
        (("ablate", "--grid", "lr=1"), "is of an arm"),
        (("ablate", "--arm", "resnet50-dcgan", "--seeds", "101"), "101 runs"),
        (("ablate", "--from", "absent.yaml"), "absent.yaml doesn't exist"),
        (("train", "resnet5"), "did you mean resnet50 or "),
    ],
)
def test_bad_input(words: tuple[str, ...], told: str, untouched: TemporaryProject) -> None:
    output = untouched.run("ferlab", *words, code=2)
    assert told in output
    assert "Traceback" not in output


def test_what_the_pipeline_has_not_made_is_named_with_its_command(untouched: TemporaryProject, tmp_path: Path) -> None:
    project = untouched.copy(tmp_path / "project")
    assert "dvc repro audit" in project.run("ferlab", "train", "svm", code=2)


@pytest.mark.long
def test_seeds_asked_at_once_train_once_where_a_fit_draws_nothing(done: TemporaryProject) -> None:
    before = len(trained(done))
    answer = done.run(
        "ferlab", "ablate", "--arm", "svm", "--set", "kernel=rbf", "--seeds", "3", "--jobs", "3", "--json"
    )
    told = json_in(answer)["runs"]
    assert sorted(one["source"] for one in told) == ["earlier", "earlier", "run"]
    assert len({one["identity"] for one in told}) == 1
    assert len(trained(done)) == before + 1


@pytest.mark.parametrize("words", [("svm",), ("resnet50", "--set", "tuned=false", "--set", "epochs=1")])
def test_an_arm_needs_no_more_than_it_takes(
    words: tuple[str, ...], untouched: TemporaryProject, tmp_path: Path
) -> None:
    """The shortest way to a first number: no search, no GAN, nothing of other arms. It reads no archive anew."""
    project = untouched.copy(tmp_path / "project")
    project.run("dvc", "repro", "audit")
    with (project.root / "data" / "fer2013.zip").open("ab") as archive:
        archive.write(b"edited")
    output = project.run("ferlab", "train", *words)
    assert "%" in output
    assert "warning: data/fer2013.zip: NOT what params.yaml names" in output
    assert not list((project.root / ".ferlab" / "trained").glob("*"))  # a published number isn't of this run


def test_a_missing_synthetic_set_offers_the_command_that_makes_it(done: TemporaryProject) -> None:
    import shutil

    shutil.rmtree(done.root / "work/sources/dcgan")
    output = done.run("ferlab", "train", "resnet50-dcgan", "--seed", "5", code=2)
    assert "the synthetic set of dcgan is missing" in output
    assert "dvc repro synthesize@dcgan" in output


@pytest.mark.chaos
def test_a_question_about_gans_trains_each_of_them_once(done: TemporaryProject) -> None:
    """Their labels side by side where that is worth it; asked again, everything is known."""
    words = ("ferlab", "ablate", "--arm", "resnet50-dcgan", "--grid", "gan.families.dcgan.lr=2e-3,3e-3", "--seeds", "2")
    answer = done.run(*words, "--jobs", "2", "--json", timeout=1800)
    runs = json.loads(answer[answer.index("{") :])["runs"]
    assert [run["source"] for run in runs] == ["run"] * 4
    assert len({run["identity"] for run in runs}) == 4
    gans = "SELECT t.value FROM runs r JOIN tags t USING (run_uuid) WHERE t.key = 'ferlab.slot' AND t.value LIKE '%@%'"
    slots = Counter(slot for (slot,) in done.query(gans) if slot.startswith("dcgan-"))
    assert set(slots.values()) == {1}
    assert len(slots) == 2 * 7
    plan = json.loads(done.run(*words, "--dry-run", "--json"))
    assert [p["state"] for p in plan] == ["earlier"] * 4
    assert [p["identity"] for p in plan] == [run["identity"] for run in runs]


NO_CHAIRS = """

_fit = fit


def fit(family, settings, *rest, **more):
    if settings.lr > 0.005:
        raise OSError("no more chairs")
    return _fit(family, settings, *rest, **more)
"""


@pytest.mark.chaos
def test_a_gan_that_fails_takes_its_points_with_it_and_no_others(done: TemporaryProject) -> None:
    with (done.root / "src/ferlab/gan/fit.py").open("a") as source:
        source.write(NO_CHAIRS)
    output = done.run(
        "ferlab", "ablate", "--arm", "resnet50-dcgan", "--grid", "gan.families.dcgan.lr=0.002,0.01", "--jobs", "2",
        code=1, timeout=1800,
    )  # fmt: skip
    assert "lr=0.002, seed 0:" in output
    assert re.search(r"failed: lr=0.01, seed 0: gan@dcgan-0-\w+: OSError: no more chairs", output)
