"""What goes to other machines of a rebuild, and what comes back. A copy of the project stands in for a node."""

import shutil
from pathlib import Path

import pytest
import torch

from ferlab.adapters.adopt import ARTIFACTS, DATABASE
from ferlab.adapters.store import connect
from ferlab.execution.dvc import Due, due_tasks
from ferlab.execution.task import Task
from ferlab.files import content_hash
from ferlab.project import NODE, Project
from ferlab.stages import returned
from ferlab.stages.context import run_stage
from ferlab.stages.returned import Returned
from ferlab.stages.table import find
from ferlab.yaml_file import LARGEST_LOCK, dump_yaml, read_yaml
from temporary import TemporaryProject

TRAIN, GAN = "train@svm-0", "gan@dcgan-0"
LABELS = {"angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"}


def ready(project: TemporaryProject) -> tuple[Returned, Due]:
    away = Returned(Project(project.root), project.params)
    return away, away.ready(due_tasks(Project(project.root), lambda _: 1.0, away.parts, 1, away.travels))


def lose(project: TemporaryProject, place: str) -> None:
    """Remove an out, and all that could bring it back but the stage."""
    shutil.rmtree(project.root / place)
    shutil.rmtree(project.root / ".dvc" / "cache" / "runs", ignore_errors=True)


def seen(project: TemporaryProject, paths: tuple[Path, ...]) -> set[str]:
    return {path.relative_to(project.root).as_posix() for path in paths}


def test_what_travels_has_all_that_it_needs_and_the_rest_stays(done: TemporaryProject) -> None:
    lose(done, "work/runs/svm-0")
    tasks = {task.name: task for task in ready(done)[1].tasks}
    train = tasks.pop(TRAIN)
    assert train.command == ("ferlab", "stage", "train", "svm", "0")
    assert seen(done, train.inputs) == {"work/prepared/train", "work/arms/svm/valid", "work/arms/svm/0"}
    assert "work/runs/svm-0" in seen(done, train.outs)
    assert (train.threads, train.gpu, train.memory, train.stays) == (1, 0.0, 2 * 2**30, False)
    assert tasks["evaluate@svm-0"].waits_for == {TRAIN}
    lose(done, "work/gan/dcgan/0")
    due = ready(done)[1]
    tasks |= {task.name: task for task in due.tasks}
    assert due.more  # trainings that may follow from it are asked about when it is known
    labels = [tasks.pop(f"{GAN}:{label}") for label in LABELS]
    assert tasks[GAN].waits_for == {task.name for task in labels}
    assert {seen(done, task.inputs) == {"work/sources/ckplus"} and not task.stays for task in labels} == {True}
    assert {task.outs[0].name for task in labels} == LABELS
    assert {(task.stays, task.command[0]) for task in tasks.values()} == {(True, "dvc")}


@pytest.mark.long
@pytest.mark.filterwarnings("default")  # what MLflow warns of while it logs a model is not this test's matter
def test_what_arrived_before_a_kill_is_taken_and_not_trained_again(
    done: TemporaryProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content_hash(done.root / "work/runs/svm-0")
    tracked = done.query("SELECT run_uuid, status, end_time FROM runs")
    node = done.copy(tmp_path / "node", store=False)
    connect(Project(node.root))
    threads = torch.get_num_threads()
    monkeypatch.setenv(NODE, "1")
    run_stage(Project(node.root), find("train"), ["svm", "0"], quiet=True)
    monkeypatch.delenv(NODE)
    torch.set_num_threads(threads)
    lose(done, "work/runs/svm-0")
    tree = read_yaml(done.root / "dvc.lock", LARGEST_LOCK)
    del tree["stages"][TRAIN]  # else DVC knows again what it sees there
    (done.root / "dvc.lock").write_text(dump_yaml(tree))
    shutil.rmtree(done.root / ".ferlab" / "trained")
    away, due = ready(done)
    (task,) = (task for task in due.tasks if task.name == TRAIN)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(returned, "commit", killed)
        away(task, _sent(node, task, tmp_path / "sent"))
    assert TRAIN in done.due()
    away, due = ready(done)
    assert away.again == [TRAIN]
    assert TRAIN not in {task.name for task in due.tasks}
    assert done.due() == set()
    assert content_hash(done.root / "work/runs/svm-0") == before
    assert all(path.exists() for path in task.outs)
    assert [row[:2] for row in done.query("SELECT run_uuid, status FROM runs")] == [row[:2] for row in tracked]
    assert list((done.root / ".ferlab" / "arrived").iterdir()) == []


def _sent(node: TemporaryProject, task: Task, folder: Path) -> Path:
    """What a node sends of a task."""
    places = [path.relative_to(task.folder) for path in task.outs]
    for place in (Path(DATABASE), Path(ARTIFACTS), *places):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        source = node.root / place
        if source.is_dir():
            shutil.copytree(source, folder / place)
        elif source.exists():
            shutil.copyfile(source, folder / place)
    return folder


@pytest.mark.long
def test_what_arrived_of_another_training_is_left_alone(done: TemporaryProject) -> None:
    kept = done.root / ".ferlab" / "arrived" / "train-svm-0" / "work" / "runs" / "svm-0"
    shutil.copytree(done.root / "work" / "runs" / "resnet50-dcgan-0", kept)
    lose(done, "work/runs/svm-0")
    away, due = ready(done)
    assert away.again == []
    assert TRAIN in {task.name for task in due.tasks}
