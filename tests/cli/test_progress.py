"""How far a training is, for people."""

import io
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ferlab.ablation.plan import Planned
from ferlab.ablation.question import ask, points
from ferlab.cli.ablation_table import Display
from ferlab.cli.heartbeat import BEAT, QUIET, Heartbeats, told
from ferlab.cli.progress import Reached, ShowProgress, ShowSteps
from ferlab.execution.task import Event, Task
from ferlab.params import load
from small import REPOSITORY


def show(title: str, steps: range) -> None:
    with ShowProgress(title, steps[-1]) as progress:
        for step in steps:
            progress(step, {"loss": 1 / 3, "valid_accuracy": 0.25})


def test_plain_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """The last step is always told; steps that follow each other within seconds are not."""
    show("dcgan happy", range(1, 81))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "dcgan happy: 80/80  loss 0.3333  valid_accuracy 0.25\n"


def test_an_end_that_nobody_knows(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Deep features' networks stop by themselves: no total is made up, and no time that is left."""
    now = 0.0
    monkeypatch.setattr("ferlab.cli.progress.time.monotonic", lambda: now)
    with ShowProgress("dfsvm", None) as progress:
        for epoch in (1, 2):
            now += 30.0
            progress(epoch, {"member": 0})
    assert capsys.readouterr().err == "dfsvm: 1  member 0\ndfsvm: 2  member 0\n"


def test_time_left(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """After 20 of 80 steps in 30 s, 60 more take 90 s."""
    now = 0.0
    monkeypatch.setattr("ferlab.cli.progress.time.monotonic", lambda: now)
    progress = ShowProgress("x", 80)
    progress(0, {})
    now = 30.0
    progress(20, {})
    assert capsys.readouterr().err.rstrip() == "x: 20/80, 90 s left"


def test_a_resume_does_not_count_as_speed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Going on at 60, 10 steps in 30 s: the last 10 take 30 s more, however quickly the first 60 came back."""
    now = 0.0
    monkeypatch.setattr("ferlab.cli.progress.time.monotonic", lambda: now)
    progress = ShowProgress("x", 80)
    progress(60, {})
    now = 30.0
    progress(70, {})
    assert "30 s left" in capsys.readouterr().err


@pytest.mark.parametrize(
    "reached",
    [
        Reached("train-resnet50-0", 2, 3, 15.0, "epoch 2  lr 0.032  valid_accuracy 0.2571"),
        Reached("gan-dcgan-0-happy", 80, 80, None, "loss 0.3333"),
        Reached("train-dfsvm-0", 4, None, None, "member 0"),
        Reached("x", 1, 2),
    ],
)
def test_a_plain_line_is_read_as_it_was_written(reached: Reached) -> None:
    assert Reached.read(str(reached)) == reached


@pytest.mark.parametrize(
    "line",
    [
        "",
        "> ferlab stage train svm 0",
        "train-svm-0: validation accuracy 0.1071, epoch 1",
        "Updating lock file 'dvc.lock'",
    ],
)
def test_other_lines_tell_no_progress(line: str) -> None:
    assert Reached.read(line) is None


@pytest.mark.parametrize(
    ("stage", "line", "shown"),
    [
        (
            "train@resnet50-0",
            "train-resnet50-0: 2/3, 15 s left  epoch 2  step 88  valid_loss 1.87  valid_accuracy 0.2571",
            "epoch 2 of 3, validation accuracy 25.7%, 15 s left",
        ),
        ("train@dfsvm-0", "train-dfsvm-0: 4  member 1", "epoch 4"),
        ("gan@dcgan-0", "gan-dcgan-0-happy: 40/80, 5400 s left  loss 1", "happy, epoch 40 of 80, 1.5 h left"),
        ("gan@dcgan-0:sad", "gan-dcgan-0-sad: 9/80, 300 s left  loss 1", "sad, epoch 9 of 80, 5 min left"),
        (
            "tune@resnet50",
            "tune-resnet50-5cdfe6dc-whole-0: 2/5, 9 s left  valid_accuracy 0.5",
            "trial whole-0, epoch 2 of 5, validation accuracy 50.0%, 9 s left",
        ),
    ],
)
def test_a_stage_tells_people_how_far_it_is(stage: str, line: str, shown: str) -> None:
    reached = Reached.read(line)
    assert reached
    assert told(reached, stage) == shown


@pytest.mark.parametrize(("seconds", "fewest", "most"), [(25, 0, 0), (600, 10, 20), (3600, 20, 40), (36_000, 30, 60)])
def test_long_work_shows_itself_in_few_lines_and_short_work_in_none(seconds: int, fewest: int, most: int) -> None:
    """A line every ten seconds, as a stage prints them."""
    beats, task = Heartbeats(), Task("train@x-0", (), Path(), Path())
    beats.started(Event("started", task))
    lines = [Event("printed", task, float(now), f"train-x-0: {now}/{seconds}") for now in range(10, seconds, 10)]
    passed = [event.seconds for event in lines if beats.of(event)]
    assert fewest <= len(passed) <= most
    assert all(later - earlier >= BEAT for earlier, later in pairwise(passed))


def test_a_task_that_prints_nothing_is_said_to_be_at_work() -> None:
    """As an SVM, or a network whose epoch takes half an hour; not one that has just told how far it is."""
    beats, task = Heartbeats(), Task("train@x-0", (), Path(), Path())
    beats.started(Event("started", task))
    heard = [now for now in range(30, 3600, 30) if beats.is_quiet(Event("running", task, float(now)))]
    assert heard[0] == QUIET
    assert 10 < len(heard) < 30
    assert beats.of(Event("printed", task, 4000.0, "train-x-0: 1/2"))
    assert not beats.is_quiet(Event("running", task, 4020.0))


def test_a_task_that_begins_again_is_heard_as_soon_as_a_new_one() -> None:
    beats, task = Heartbeats(), Task("train@x-0", (), Path(), Path())
    for _ in range(2):
        beats.started(Event("started", task))
        assert beats.of(Event("printed", task, 40.0, "train-x-0: 1/2"))
        assert not beats.of(Event("printed", task, 50.0, "train-x-0: 2/2"))


def test_steps_of_unknown_length_are_told_as_they_begin(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        with ShowSteps(quiet) as say:
            say("reading [1/2].zip")
            say("copying")
    assert capsys.readouterr() == ("", "reading [1/2].zip\ncopying\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_live_table_is_there_before_anything_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch may take minutes: what runs and since when stands there from the start."""
    question = ask(load(REPOSITORY / "params.yaml"), "svm", [0], [], ["C=0.5,1.0"])
    planned = [SimpleNamespace(point=point, state="to run") for point in points(question)]
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", screen)
    with Display(question, cast("list[Planned]", planned), jobs=1, silent=False) as display:
        shown = screen.getvalue()
        assert "0 of 2 runs, 0 s" in shown
        assert "C=0.5" in shown
        display.watch(points(question)[0], "epoch 1, 25.00%")
    assert "epoch 1, 25.00%" in screen.getvalue()[len(shown) :]
