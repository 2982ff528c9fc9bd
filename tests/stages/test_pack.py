"""Trainings of one process, GANs among them: the results are those of the stages, one by one."""

import json
import shutil
import threading
import time
from pathlib import Path

import pytest

from ferlab.execution.dvc import Due
from ferlab.execution.packs import PACK, packed
from ferlab.execution.task import Task
from ferlab.execution.threads import on_threads
from temporary import TemporaryProject


def task(name: str, *waits: str, rank: int = 0) -> Task:
    return Task(name, ("dvc", name), Path(), Path(f"{name}.log"), frozenset(waits), seconds=2, rank=(rank,))


def test_trainings_become_one_task_and_what_waits_for_them_is_asked_about_again() -> None:
    tasks = (
        task("train@a-1", rank=1),
        task("train@a-0"),
        task("evaluate@a-0", "train@a-0"),
        task("train@svm-0"),
        task("evaluate@svm-0", "train@svm-0"),
        task("report", "evaluate@a-0", "evaluate@svm-0"),
    )
    found = packed(Due(tasks, 6, more=False, to_pack=("train@a-1", "train@a-0")), 8)
    assert [one.name for one in found.tasks] == [PACK, "train@svm-0", "evaluate@svm-0"]
    assert found.tasks[0].command == ("ferlab", "pack", "--at-once", "8", "train@a-0", "train@a-1")
    assert found.tasks[0].seconds == 4
    assert (found.stages, found.more) == (6, True)


def test_a_limit_of_time_is_passed_on() -> None:
    found = packed(Due((task("train@a-0"),), 1, more=False, to_pack=("train@a-0",)), 8, until=12.0)
    assert found.tasks[0].command == ("ferlab", "pack", "--at-once", "8", "--until", "12", "train@a-0")


def test_without_a_training_to_pack_nothing_changes() -> None:
    due = Due((task("train@svm-0"),), 1, more=False)
    assert packed(due, 8) is due


def test_so_many_threads_at_once_and_none_takes_another_with_it() -> None:
    both, stop = threading.Barrier(2, timeout=600), threading.Event()

    def work(number: int) -> int:
        both.wait()  # each waits for another: one after the other they would never end
        if number == 1:
            raise ValueError("no more chairs")
        return number

    futures = on_threads(work, range(4), 2, stop)
    assert [future.exception() is None for future in futures.values()] == [True, False, True, True]
    assert futures[3].result() == 3
    assert not stop.is_set()


@pytest.fixture(scope="module")
def planned(finished: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """A project in which trainings alone are due: three arms of networks with two seeds each."""
    project = finished.copy(tmp_path_factory.mktemp("planned") / "project", store=False)
    arms = ["resnet50", "resnet50-dcgan", "vgg16"]
    project.change({"run": {"arms": arms, "seeds": [0, 1]}, "arms": {name: {"tuned": False} for name in arms}})
    project.change({"classifiers": {"vgg16": {"width": 0.0625, "epochs": 1}}})
    project.commit("Plan")
    project.repro("mix", "code", "settings")
    return project


@pytest.mark.chaos  # two whole pipelines
@pytest.mark.long  # test_asked_to_stop_it_keeps_what_it_has is its short sibling
def test_packed_it_ends_as_dvc_repro_does(planned: TemporaryProject, tmp_path: Path) -> None:
    """DVC's hashes, the ledger's and MLflow's runs; afterwards nothing is due."""
    one_by_one, together = planned.copy(tmp_path / "one"), planned.copy(tmp_path / "together")
    for project in (one_by_one, together):
        project.change({"run": {"families": ["dcgan", "cgan"]}, "gan": {"seed": 7}})
        project.change({"gan": {"families": {"cgan": {"base_channels": 2, "epochs": 2}}}})
    one_by_one.repro()
    program = """
from math import inf
from ferlab import params
from ferlab.cli.sitting import Sitting
from ferlab.project import Project
if __name__ == "__main__":
    project = Project.find()
    sitting = Sitting(project, params.load(project.params), 2, inf, pack=3, quiet=False)
    outcome = sitting.run()
    assert not outcome.failed, outcome
    assert sitting.stages == len(outcome.done), (sitting.stages, outcome)
"""
    output = together.python(program)
    assert output.count("pack: done") == 2  # the GANs, and then what their images are added to
    assert together.due() == set()
    assert together.locked() == one_by_one.locked()
    line = "SELECT name, status FROM runs ORDER BY name"
    assert together.query(line) == one_by_one.query(line)
    names = {(row["arm"], row["seed"], row["identity"], row["predictions"]) for row in together.ledger()}
    assert names == {(row["arm"], row["seed"], row["identity"], row["predictions"]) for row in one_by_one.ledger()}


@pytest.mark.chaos
def test_asked_to_stop_it_keeps_what_it_has(planned: TemporaryProject, tmp_path: Path) -> None:
    """Each training saves its state; the same command goes on and ends as one that nobody stopped."""
    project = planned.copy(tmp_path / "project")
    project.change({"classifiers": {"resnet50": {"epochs": 40}}})
    project.repro("mix")
    project.change({"gan": {"families": {"dcgan": {"epochs": 40}}}})
    names = ["gan@dcgan-0", "train@resnet50-0", "train@resnet50-1", "train@vgg16-0"]
    straight = project.copy(tmp_path / "straight")
    straight.ferlab("pack", "--at-once", "3", *names)
    process = project.start("ferlab", "pack", "--at-once", "2", *names)
    while not project.written("state.safetensors"):
        assert process.poll() is None, project.beside("log.txt").read_text()
        time.sleep(0.05)
    process.send_signal(2)
    assert process.wait(600) != 0
    project.ferlab("pack", "--at-once", "3", *names)
    done = {*names, *(name.replace("train", "evaluate") for name in names)}
    assert {stage: outs for stage, outs in project.locked().items() if stage in done} == {
        stage: outs for stage, outs in straight.locked().items() if stage in done
    }
    assert not project.due() & done


def test_a_familys_labels_side_by_side_make_what_its_stage_makes(finished: TemporaryProject, tmp_path: Path) -> None:
    """Generators and curves to the last bit, as DVC's hash of the stage's outs tells, and a run of MLflow a label."""
    project = finished.copy(tmp_path / "project", store=False)
    shutil.rmtree(project.root / "work" / "gan")
    gans = "SELECT name, status FROM runs WHERE name LIKE 'dcgan-0-%' ORDER BY name"
    output = project.ferlab("pack", "--at-once", "7", "gan@dcgan-0")
    assert "gan@dcgan-0:happy: trained (" in output
    assert "(7 of 7)" in output
    assert project.locked() == finished.locked()
    assert project.query(gans) == finished.query(gans)
    assert "gan@dcgan-0" not in project.due()


def test_one_that_fails_takes_no_other_with_it(planned: TemporaryProject, tmp_path: Path) -> None:
    """It is named with its reason; the others' results are there for DVC."""
    project = planned.copy(tmp_path / "project")
    (project.root / "work" / "arms" / "resnet50" / "1" / "dropped.json").write_text("no list")
    output = project.ferlab("pack", "--at-once", "2", "train@resnet50-1", "train@vgg16-0", code=1)
    assert "train@resnet50-1: " in output
    assert json.loads((project.root / ".ferlab" / "pack.json").read_text())["failed"] == ["train@resnet50-1"]
    assert "train@vgg16-0: trained and evaluated" in output
    assert {"train@vgg16-0", "evaluate@vgg16-0"} <= project.locked().keys()


def test_none_is_begun_that_could_not_end(planned: TemporaryProject, tmp_path: Path) -> None:
    project = planned.copy(tmp_path / "project")
    assert "not begun" in project.ferlab("pack", "--until", "1", "train@vgg16-0", "train@vgg16-1")
    assert not (project.root / "work" / "runs" / "vgg16-0").exists()


def test_on_a_cpu_nothing_is_packed(finished: TemporaryProject, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    assert "only trainings on a GPU are packed" in project.ferlab("reproduce", "--pack", "2", code=2)
