"""What each kind of arm is trained on, and who picks its epoch: real stages on the tiny project."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ferlab.ablation.answer import answer
from ferlab.ablation.question import Point
from ferlab.classifiers.catalogue import create
from ferlab.classifiers.schedule import batches_per_epoch
from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.evaluation.predictions import read
from ferlab.project import Project
from ferlab.records.run import RunRecord
from ferlab.stages.table import NAMES, find
from small import barred
from temporary import TemporaryProject

ARMS = [
    "resnet50", "resnet50-dcgan", "resnet50-steps", "resnet50-ckplus", "resnet50-ckplus-repeated",
    "resnet50-oversampled", "resnet50-noise", "resnet50-dcgan-shuffled", "resnet50-contempt",
    "resnet50-unaugmented", "resnet50-no-copies", "resnet50-picked-on-test", "vgg16",
]  # fmt: skip
LEAKED = 2


def run(project: TemporaryProject, name: str, *arguments: str) -> None:
    project.ferlab("stage", name, *arguments)


@pytest.fixture(scope="module")
def mixed(untouched: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """A project after `mix` with every kind of arm, on made GAN faces; the audit is made to find two leaked images."""
    project = untouched.copy(tmp_path_factory.mktemp("mixed") / "project")
    project.change({"run": {"arms": ARMS}, "arms": {"resnet50": {"tuned": False}}})
    project.change({"classifiers": {"vgg16": {"width": 0.0625, "epochs": 1}}})
    run(project, "prepare")
    run(project, "audit")
    path = project.root / "work" / "audit" / "images.parquet"
    table = pd.read_parquet(path)
    table["copy_in_held_out"] = False
    table.loc[table.index[table["split"] == "train"][:LEAKED], "copy_in_held_out"] = True
    table.to_parquet(path)
    faces = barred(4, split="synthetic", classes=CKPLUS_CLASSES, origin="dcgan")
    faces.save(project.root / "work" / "sources" / "dcgan" / "0")
    run(project, "code")
    run(project, "settings")
    for arm in ARMS:
        run(project, "mix", arm)
    return project


def added(project: TemporaryProject, arm: str) -> ImageSet:
    return ImageSet.open(project.root / "work" / "arms" / arm / "0" / "added")


def plan(project: TemporaryProject, arm: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((project.root / "work" / "arms" / arm / "0" / "plan.json").read_text())
    return found


def test_no_stage_but_evaluate_reads_the_test_split() -> None:
    """Nor does train for the arm that picks on it; the audit compares pixels, and reports counts and ids."""
    assert {name for name in NAMES if "work/prepared/test" in find(name).inputs.values()} == {"evaluate", "audit"}


def test_what_each_arm_adds(mixed: TemporaryProject) -> None:
    """The GAN drew 4 a class, tiny CK+ holds 6; contempt is dropped unless a policy says otherwise."""
    assert {arm: len(added(mixed, arm)) for arm in ARMS} == {
        "resnet50": 0, "resnet50-dcgan": 24, "resnet50-steps": 0, "resnet50-ckplus": 36, "resnet50-oversampled": 24,
        "resnet50-ckplus-repeated": 24, "resnet50-noise": 24, "resnet50-dcgan-shuffled": 24,
        "resnet50-contempt": 28, "resnet50-unaugmented": 0, "resnet50-no-copies": 0, "resnet50-picked-on-test": 0,
        "vgg16": 0,
    }  # fmt: skip
    assert added(mixed, "resnet50-contempt").counts()["neutral"] == 4
    assert set(added(mixed, "resnet50-ckplus").origins) == {"ckplus"}
    assert set(added(mixed, "resnet50-dcgan").origins) == {"dcgan"}


@pytest.mark.parametrize("arm", ["oversampled", "ckplus-repeated", "noise", "dcgan-shuffled"])
def test_a_control_has_the_classes_and_steps_of_the_gans_arm(arm: str, mixed: TemporaryProject) -> None:
    names = ("resnet50-dcgan", f"resnet50-{arm}")
    gans, control = (added(mixed, name) for name in names)
    assert control.counts() == gans.counts()
    assert control.digest() != gans.digest()
    ours, theirs = (plan(mixed, name) for name in names)
    assert ours | {"added": theirs["added"]} == theirs  # nothing else differs


def test_oversampling_repeats_training_images_alone(mixed: TemporaryProject) -> None:
    train, again = ImageSet.open(mixed.root / "work" / "prepared" / "train"), added(mixed, "resnet50-oversampled")
    place = {name: i for i, name in enumerate(train.ids)}
    originals = np.array([place[name.split("/", 2)[2]] for name in again.ids])
    np.testing.assert_array_equal(again.images, train.images[originals])
    np.testing.assert_array_equal(again.labels, train.labels[originals])
    assert len(set(again.ids) | set(train.ids)) == len(again) + len(train)


def test_steps(mixed: TemporaryProject) -> None:
    """The step-matched arm takes the other's number of updates; others have their own number of epochs."""
    settings = plan(mixed, "resnet50")["settings"]
    assert isinstance(settings, dict)
    for arm in ARMS[:-1]:
        images = 42 + len(added(mixed, "resnet50-dcgan" if arm == "resnet50-steps" else arm))
        images -= LEAKED * (arm == "resnet50-no-copies")
        assert plan(mixed, arm)["steps"] == settings["epochs"] * batches_per_epoch(images, settings["batch_size"]), arm
    assert plan(mixed, "resnet50-steps")["steps"] == plan(mixed, "resnet50-dcgan")["steps"]


def test_augmentation_is_off_in_one_arm(mixed: TemporaryProject) -> None:
    nothing = {"rotation": 0, "translation": 0, "crop": 1, "flip": False}
    assert {arm for arm in ARMS if plan(mixed, arm)["settings"]["augmentation"] == nothing} == {"resnet50-unaugmented"}  # type: ignore[index]


@pytest.mark.chaos  # trains, for half a minute
def test_leaked_copies_are_left_out_of_training(mixed: TemporaryProject) -> None:
    """FER-2013 has test images that its training split has too. MLflow's digest of what is trained on shows it."""
    train = ImageSet.open(mixed.root / "work" / "prepared" / "train")
    dropped = json.loads((mixed.root / "work" / "arms" / "resnet50-no-copies" / "0" / "dropped.json").read_text())
    assert sorted(dropped) == sorted(train.ids[:LEAKED])
    run(mixed, "train", "resnet50-no-copies", "0")
    digests = mixed.query(
        "SELECT d.digest FROM datasets d JOIN inputs i ON i.source_id = d.dataset_uuid JOIN runs r"
        " ON r.run_uuid = i.destination_id WHERE r.name = 'resnet50-no-copies-0' AND d.name = 'train'"
    )
    assert digests == [(train.take(np.arange(LEAKED, len(train))).digest()[:36],)]


@pytest.mark.chaos  # trains, for half a minute
def test_the_epoch_picked_on_test(mixed: TemporaryProject) -> None:
    """This one arm takes the first epoch that is best on test; what validation would say stands beside it."""
    arm = "resnet50-picked-on-test-0"
    run(mixed, "train", "resnet50-picked-on-test", "0")
    run(mixed, "evaluate", "resnet50-picked-on-test", "0")
    folder = mixed.root / "work" / "runs" / arm
    record = RunRecord.read(folder / "run.json")
    test = ImageSet.open(mixed.root / "work" / "prepared" / "test")
    found = [
        create(record.settings).load(epoch).predict_proba(test.images)
        for epoch in sorted((folder / "epochs").iterdir())
    ]
    assert len(found) == len(pd.read_csv(folder / "curve.csv"))
    scores = [(p.argmax(axis=1) == test.labels).mean() for p in found]
    best = int(np.argmax(scores))
    selection = json.loads((mixed.root / "reports" / "tiny" / "selection" / f"{arm}.json").read_text())
    assert selection["selected_epoch"] == best + 1
    assert selection["valid_would_select"] == record.selected_epoch
    predicted = read(mixed.root / "reports" / "tiny" / "predictions" / f"{arm}.parquet")
    np.testing.assert_array_equal(predicted.probabilities, found[best])


def test_other_arms_keep_the_epoch_that_validation_picks(mixed: TemporaryProject) -> None:
    """They leave no other epoch behind that test could be asked about."""
    run(mixed, "train", "vgg16", "0")
    run(mixed, "evaluate", "vgg16", "0")
    assert not (mixed.root / "work" / "runs" / "vgg16-0" / "epochs").exists()
    selection = json.loads((mixed.root / "reports" / "tiny" / "selection" / "vgg16-0.json").read_text())
    assert selection["selected_epoch"] == selection["valid_would_select"]


def test_the_rate_of_every_step_and_the_pace_are_tracked(mixed: TemporaryProject) -> None:
    """One rate a step, as many as there are updates: a schedule that moves once an epoch would stay flat."""
    [(place,)] = mixed.query("SELECT artifact_uri FROM runs WHERE name = 'vgg16-0'")
    table = pd.read_csv(Path(place.removeprefix("file://")) / "schedule.csv")
    assert list(table["step"]) == list(range(int(str(plan(mixed, "vgg16")["steps"]))))
    assert table["lr"].nunique() > 1
    pace = mixed.query("SELECT value FROM metrics JOIN runs USING (run_uuid) WHERE key = 'images_per_second'")
    assert all(value > 0 for (value,) in pace)


def test_confusions_of_a_run_are_tracked(mixed: TemporaryProject) -> None:
    [(place,)] = mixed.query("SELECT artifact_uri FROM runs WHERE name = 'vgg16-0'")
    table = pd.read_csv(Path(place.removeprefix("file://")) / "confusion.csv", index_col="true class")
    assert list(table.index) == list(table.columns) == list(FER_CLASSES)
    assert table.to_numpy().sum() == 28


def test_a_held_out_part_validates_and_both_splits_can_judge(mixed: TemporaryProject, tmp_path: Path) -> None:
    """Its validation images come out of train, so that neither valid nor test has picked anything."""
    project = mixed.copy(tmp_path / "project")
    project.change(
        {
            "run": {"arms": ["svm", "resnet50"]},
            "arms": {
                "svm": {"held_out": 0.25, "tests": ["valid", "test"]},
                "resnet50": {"select_on": "last", "tests": ["valid", "test"]},
            },
        }
    )
    run(project, "mix", "svm")
    run(project, "mix", "resnet50")
    valid, away = project.root / "work/prepared/valid", tmp_path / "away"
    valid.rename(away)  # its training has no use for PublicTest
    run(project, "train", "svm", "0")
    away.rename(valid)
    run(project, "train", "resnet50", "0")
    held_out = ImageSet.open(project.root / "work/arms/svm/valid")
    assert len(held_out) == 42 - plan(project, "svm")["real_images"]
    assert set(held_out.ids) < set(ImageSet.open(project.root / "work/prepared/train").ids)
    run(project, "evaluate", "svm", "0")
    run(project, "evaluate", "resnet50", "0")
    assert plan(project, "svm")["real_images"] == 31  # of 42
    reports = project.root / "reports" / "tiny"
    judged = {name: read(reports / name / "svm-0.parquet") for name in ("predictions", "valid")}
    assert {name: (len(one.ids), one.split) for name, one in judged.items()} == {
        "predictions": (28, "test"),
        "valid": (21, "valid"),
    }
    validated = project.query(
        "SELECT d.name FROM datasets d JOIN inputs i ON i.source_id = d.dataset_uuid JOIN runs r"
        " ON r.run_uuid = i.destination_id WHERE r.name = 'svm-0' ORDER BY d.name"
    )
    assert validated == [("train",), ("train",)]  # a part of it
    selection = json.loads((reports / "selection" / "resnet50-0.json").read_text())
    assert selection["selected_epoch"] == len(pd.read_csv(reports / "curves" / "resnet50-0.csv"))
    own = answer(Project(project.root), Point("svm", 0, {}, {}))  # an ablation finds the same training and part
    assert own.source == "pipeline"
    validated_by = json.loads((reports / "selection" / "svm-0.json").read_text())["valid_accuracy"]
    assert own.accuracy == pytest.approx(validated_by, abs=1e-12)
