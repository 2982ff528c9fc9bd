"""What trainings took, out of a real tracking store; and what is said where none is known."""

from pathlib import Path
from typing import Any

import pytest

from ferlab.adapters.store import connect
from ferlab.adapters.tracking import tracked
from ferlab.execution.cost import Cost, costs, expected, of_budget, stages_of
from ferlab.execution.pace import SECONDS, Pace
from ferlab.params import load
from ferlab.project import Project
from ferlab.training.identity import flatten
from small import GAN, NETWORK, REPOSITORY, SVM


def log(project: Project, experiment: str, name: str, seconds: float, params: dict[str, Any], **tags: str) -> None:
    """A finished run that took so long."""
    with tracked(project, experiment, name, identity=name, params=params, tags=tags) as run:
        pass
    connect(project).set_tag(run.id, SECONDS, str(seconds))


@pytest.fixture(scope="module")
def pace(tmp_path_factory: pytest.TempPathFactory) -> Pace:
    project = Project(tmp_path_factory.mktemp("pace"))
    for number, seconds in enumerate((100.0, 110.0, 900.0)):
        plan = {"settings": NETWORK, "steps": 50, "threads": 2}
        log(project, "classifiers", f"network-{number}", seconds, flatten(plan), stage="train", data="demo")
    plan = {"settings": SVM, "steps": None, "threads": 2}
    log(project, "classifiers", "svm", 7.0, flatten(plan), stage="train", data="demo")
    for label in ("happy", "sad"):
        params = GAN | {"threads": 2}
        log(project, "gans", label, 30.0, params, stage="gan", family="dcgan", label=label)
    return Pace.read(project)


def test_a_training_takes_the_median_of_equal_ones_by_its_steps(pace: Pace) -> None:
    assert pace.of_training(NETWORK | {"lr": 3.0}, "real", 2, 100) == pytest.approx(220)
    assert pace.of_training(NETWORK | {"width": 0.5}, "real", 2, 100) is None
    assert pace.of_training(NETWORK, "real", 1, 100) is None


def test_without_steps_the_whole_counts_on_the_same_data(pace: Pace) -> None:
    assert pace.of_training(SVM | {"C": 3.0}, "demo", 2, None) == 7.0
    assert pace.of_training(SVM, "real", 2, None) is None


def test_a_gan_takes_what_its_labels_took_by_its_epochs(pace: Pace) -> None:
    assert pace.of_gan("dcgan", GAN | {"epochs": 4}, 2) == {"happy": 60.0, "sad": 60.0}
    assert pace.of_gan("wgan_gp", GAN, 2) == {}


def test_where_nothing_is_known_big_trainings_still_cost_more_than_small_ones(tmp_path: Path) -> None:
    params = load(REPOSITORY / "params.yaml")
    seconds = expected(Project(tmp_path), params)
    known = {name: seconds(("ferlab", "stage", "train", name, "0")) for name in ("svm", "resnet50", "dfsvm-scratch")}
    assert sorted(known, key=lambda name: known[name]) == ["svm", "resnet50", "dfsvm-scratch"]
    assert seconds(("ferlab", "stage", "gan", "dcgan", "0")) > seconds(("ferlab", "stage", "mix"))
    assert seconds(("ferlab", "stage", "tune", "vgg16")) > known["svm"]


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "sqlite:///absent.db"])
def test_a_store_that_cannot_be_read_tells_nothing(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert Pace.read(Project(tmp_path)) == Pace()


def test_a_budget_costs_what_its_stages_cost_and_is_measured_where_all_of_them_are(tmp_path: Path) -> None:
    params, project = load(REPOSITORY / "params.yaml"), Project(tmp_path)
    cost = costs(project, params)
    assert of_budget(project, params).seconds == pytest.approx(
        sum(cost(("ferlab", "stage", *words)).seconds for words in stages_of(params))
    )
    assert not of_budget(project, params).is_measured
    assert Cost(1.0) + Cost(2.0) == Cost(3.0)
    assert Cost(1.0) + Cost(2.0, is_measured=False) == Cost(3.0, is_measured=False)
    one = params.model_copy(update={"run": params.run.model_copy(update={"arms": {}, "families": [], "tuned": []})})
    assert of_budget(project, one).is_measured  # nothing is trained


def test_a_budget_for_real_faces_is_reckoned_on_those_whatever_lies_here(tmp_path: Path) -> None:
    params, project = load(REPOSITORY / "params.yaml"), Project(tmp_path)
    real = params.model_copy(update={"data": params.data.model_copy(update={"allow_demo": False})})
    assert of_budget(project, real).seconds > 5 * of_budget(project, params).seconds
