"""How far a training is, for people."""

import pytest

from ferlab.cli.progress import ShowProgress


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
