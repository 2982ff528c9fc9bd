"""What trainings took, out of a real tracking store; and what is said where none is known."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ferlab.adapters.store import connect
from ferlab.adapters.tracking import tracked
from ferlab.data.images import ImageSet
from ferlab.execution.cost import Cost, costs, expected, of_budget, stages_of
from ferlab.execution.images import to_draw_from, to_train
from ferlab.execution.pace import SECONDS, Pace
from ferlab.params import Params, check, load
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
    plan = {"settings": SVM, "steps": None, "threads": 2, "real_images": 60, "added_images": 40}
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
    assert pace.of_training(SVM, "demo", 2, None, images=300) == pytest.approx(21.0)
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


def of_own_set(side: int = 48) -> Params:
    """ferlab's own parameters, trained on a set of one's own."""
    params = load(REPOSITORY / "params.yaml")
    tree = {key: params.plain(key) for key in type(params).model_fields}
    own = {"form": "folder", "sha256": "0" * 64, "classes": ["calm", "tense"]}
    tree["data"] |= {"sets": {"office": own}, "train": "office", "gans": "office", "side": side}
    return check(tree, "params.yaml")


def archive(project: Project, *names: str) -> None:
    project.data.mkdir()
    with zipfile.ZipFile(project.data / "office.zip", "w") as office:
        for name in names:
            office.writestr(name, b"")


def test_the_images_of_a_set_of_ones_own_are_counted(tmp_path: Path) -> None:
    """Those prepared, where they are of this set; else the pictures of its archive; else FER-2013's number."""
    project, data = Project(tmp_path), of_own_set().data
    assert (to_train(project, data), to_draw_from(project, data)) == (700, 210)
    archive(project, *(f"faces/calm/{i}.png" for i in range(40)), "faces/notes.txt", "__MACOSX/faces/calm/._1.png")
    assert (to_train(project, data), to_draw_from(project, data)) == (32, 32)  # eight tenths
    pixels, labels = np.zeros((7, 48, 48), np.uint8), np.zeros(7, np.int64)
    names = tuple(map(str, range(7)))
    prepared = ImageSet(pixels, labels, ("calm", "tense"), names, ("",) * 7, ("office",) * 7, "train")
    prepared.save(project.work / "prepared" / "train")
    assert to_train(project, data) == 7
    assert to_train(project, of_own_set(side=96).data) == 32


def test_pictures_in_folders_to_train_are_counted_alone(tmp_path: Path) -> None:
    project = Project(tmp_path)
    archive(project, *(f"{part}/calm/{i}.png" for part in ("train", "test") for i in range(10)))
    assert to_train(project, of_own_set().data) == 10


def test_more_and_larger_images_cost_more(tmp_path: Path) -> None:
    project, words = (
        Project(tmp_path),
        {name: ("ferlab", "stage", *name.split()) for name in ("train svm", "gan dcgan")},
    )
    few = {name: costs(project, of_own_set())(told).seconds for name, told in words.items()}
    large = {name: costs(project, of_own_set(side=96))(told).seconds for name, told in words.items()}
    archive(project, *(f"calm/{i}.png" for i in range(1750)))
    many = {name: costs(project, of_own_set())(told).seconds for name, told in words.items()}
    assert large == {name: pytest.approx(4 * seconds) for name, seconds in few.items()}
    assert many == {
        "train svm": pytest.approx(2 * few["train svm"]),
        "gan dcgan": pytest.approx(1400 / 210 * few["gan dcgan"]),
    }
