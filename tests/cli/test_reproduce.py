"""`ferlab reproduce`: the same results as `dvc repro`, several stages at once, in sittings of bounded length."""

import contextlib
import math
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import typer
from typer.testing import CliRunner

from ferlab.cli import estimate
from ferlab.cli.main import INTERRUPTED
from ferlab.cli.reproduce import TIME_UP, parse_duration, reproduce
from ferlab.cli.sitting import Sitting
from ferlab.errors import UserError
from ferlab.execution.dvc import due_tasks
from ferlab.execution.local import GRACE, Local
from ferlab.execution.task import Task, Words
from ferlab.project import Project
from temporary import TemporaryProject, stop

MIXES = {"mix@resnet50-dcgan", "mix@svm"}
TRAINS = {"train@resnet50-dcgan-0", "train@svm-0"}
EVALUATES = {"evaluate@resnet50-dcgan-0", "evaluate@svm-0"}
SLEEPS = "\n\ndef log_if_best(*_):\n    import time\n    time.sleep(900)\n"


def due_stages(project: TemporaryProject, seconds: Callable[[Words], float] = lambda _: 0.0) -> dict[str, Task]:
    due = due_tasks(Project(project.root), seconds, lambda *_: {}, threads=1)
    assert not due.more
    assert due.stages == len(due.tasks)
    return {task.name: task for task in due.tasks}


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("25m", 1500), ("1.5h", 5400), ("1h30m", 5400)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "25", "m", "0m", "-5m", "25 minutes", "1e3s", "5m x"])
def test_no_length_of_time(text: str) -> None:
    with pytest.raises(UserError, match="90s, 25m or 1h30m"):
        parse_duration(text)


def test_in_a_finished_project_nothing_is_due(finished: TemporaryProject) -> None:
    assert due_stages(finished) == {}
    assert "0 of 0 stages done" in finished.ferlab("reproduce", "--time-limit", "5m")


def test_what_a_change_makes_due(done: TemporaryProject) -> None:
    """All that may follow from it, each behind those whose outs it reads."""
    done.change({"classifiers": {"svm": {"max_iterations": 301}}})
    due = due_stages(done)
    assert set(due) == {"code", "settings", "tune@resnet50", *MIXES, *TRAINS, *EVALUATES, "report"}
    assert due["code"].waits_for == set()
    assert due["train@svm-0"].waits_for == {"mix@svm"}
    assert due["evaluate@svm-0"].waits_for == {"train@svm-0"}
    assert due["report"].waits_for >= EVALUATES
    assert due["mix@svm"].command[-2:] == ("--single-item", "mix@svm")
    assert done.root / "work" / "arms" / "svm" in due["mix@svm"].outs


def test_a_dry_run_says_what_is_due_and_what_it_costs_and_writes_nothing(done: TemporaryProject) -> None:
    project = Project(done.root)
    assert estimate.due(project, done.params, 2) == "tiny: nothing is due"
    done.change({"classifiers": {"svm": {"max_iterations": 301}}})
    before = done.dirt()
    first, *kinds, last = estimate.due(project, done.params, 2).splitlines()
    assert first.startswith("tiny: 10 stages are due at most")
    counts = {line.split()[0]: int(line.split()[1]) for line in kinds}
    assert counts == {"code": 1, "settings": 1, "tune": 1, "mix": 2, "train": 2, "evaluate": 2, "report": 1}
    assert "one stage at a time; with --jobs 2 about " in last
    assert done.dirt() == before


def test_what_has_finished_here_is_measured(done: TemporaryProject) -> None:
    """The tiny pipeline has run, so that the rest of it is no guess; a wider network has not."""
    done.change({"run": {"seeds": [0, 1]}})
    assert estimate.BY_SIZE not in estimate.due(Project(done.root), done.params, 1)
    done.change({"classifiers": {"resnet50": {"width": 0.125}}})
    assert estimate.BY_SIZE in estimate.due(Project(done.root), done.params, 1)
    assert estimate.BY_SIZE in estimate.whole(Project(done.root), done.params)


def test_the_costliest_arm_is_trained_first_but_none_before_those_of_earlier_seeds(done: TemporaryProject) -> None:
    """And a trained arm is evaluated before another is trained."""
    done.change({"run": {"seeds": [0, 1]}, "compute": {"threads": 2}})
    due = due_stages(done, lambda words: 9.0 if words[3:4] == ("svm",) else 1.0)
    ours = [name for name in due if name.startswith(("train@", "evaluate@"))]
    assert sorted(ours, key=lambda name: due[name].order) == [
        "evaluate@svm-0", "evaluate@resnet50-dcgan-0", "train@svm-0", "train@resnet50-dcgan-0",
        "evaluate@svm-1", "evaluate@resnet50-dcgan-1", "train@svm-1", "train@resnet50-dcgan-1",
    ]  # fmt: skip


def test_a_stage_in_parts_is_asked_about_again_when_what_it_reads_is_made(untouched: TemporaryProject) -> None:
    """Only then is it known whether it has to run: a part would train though DVC has the result."""

    def parts(words: Words, seconds: float) -> dict[str, Words]:
        return {"happy": (*words, "--label", "happy"), "sad": (*words, "--label", "sad")} if words[2] == "gan" else {}

    project = Project(untouched.root)
    first = due_tasks(project, lambda _: 1.0, parts, threads=1)
    assert first.more
    assert [task.name for task in first.tasks] == ["prepare"]
    assert {task.name for task in first.later} >= {"gan@dcgan-0", "report"}
    assert len(first.later) + 1 == first.stages > 10


def test_gans_are_packed_before_it_is_known_which_trainings_are(done: TemporaryProject) -> None:
    def packs(words: Words) -> bool:
        return words[2] in ("gan", "train")

    done.change({"gan": {"seed": 5}})
    found = due_tasks(Project(done.root), lambda _: 1.0, lambda *_: {}, 1, packs)
    assert found.to_pack == ("gan@dcgan-0",)
    assert {task.name for task in found.later} >= {"train@resnet50-dcgan-0", "report"}


def test_parts_come_before_their_stage_and_only_where_it_would_run(done: TemporaryProject) -> None:
    def parts(words: Words, seconds: float) -> dict[str, Words]:
        return {"happy": (*words, "--label", "happy"), "sad": (*words, "--label", "sad")} if words[2] == "gan" else {}

    project, before = Project(done.root), done.params.gan.seed
    done.change({"gan": {"seed": 5}})
    due = {task.name: task for task in due_tasks(project, lambda _: 10.0, parts, threads=1).tasks}
    (gan,) = (name for name in due if name.startswith("gan@") and ":" not in name)
    assert due[gan].waits_for == {f"{gan}:happy", f"{gan}:sad"}
    assert due[f"{gan}:sad"].command[-2:] == ("--label", "sad")
    assert due[f"{gan}:sad"].seconds == 5.0
    done.repro(gan)
    done.change({"gan": {"seed": before}})
    due = {task.name: task for task in due_tasks(project, lambda _: 10.0, parts, threads=1).tasks}
    assert gan in due
    assert due[gan].waits_for == set()  # DVC's run cache has it


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--budget", "papre"), "the budgets are cpu, demo, "),
        (("--time-limit", "25"), "90s, 25m or 1h30m"),
        (("--time-limit", ""), "a word of this command is empty"),
        (("--bring", "."), "name another folder"),
        (("--bring", "params.yaml/below"), "params.yaml isn't a folder"),
    ],
)
def test_bad_input_changes_nothing(done: TemporaryProject, words: tuple[str, ...], said: str) -> None:
    output = done.ferlab("reproduce", *words, code=2)
    assert said in output
    assert "Traceback" not in output
    assert done.dirt() == ""


def test_what_is_in_flight_is_set_aside_not_lost(done: TemporaryProject) -> None:
    (done.root / ".ferlab" / "inflight" / "mine").mkdir(parents=True)
    assert "set aside" in done.ferlab("reproduce", "--no-resume")
    assert len(list((done.root / ".ferlab").glob("inflight-*/mine"))) == 1


def interrupted(project: TemporaryProject, meanwhile: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> str:
    """What `ferlab reproduce` says on stderr that is stopped while `meanwhile` happens; nothing is trained."""

    def run(_: Sitting) -> None:
        meanwhile()
        raise KeyboardInterrupt

    monkeypatch.setattr(Sitting, "run", run)
    monkeypatch.setattr("ferlab.execution.signals.stop_on_signals", lambda: None)  # this process is pytest's
    monkeypatch.chdir(project.root)
    app = typer.Typer()
    app.command()(reproduce)
    result = CliRunner().invoke(app, [], obj={"quiet": True})
    assert result.exit_code == INTERRUPTED
    return result.stderr


@pytest.mark.parametrize(
    ("makes", "said"),
    [
        (lambda page: None, "the page stays as it was, "),
        (lambda page: page.write_text("new"), "the page was made anew, "),
        (lambda page: page.unlink(), "there is no page now; the same command makes "),
    ],
)
def test_ctrl_c_says_what_the_page_is_now(
    makes: Callable[[Path], object],
    said: str,
    untouched: TemporaryProject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = untouched.copy(tmp_path / "project")
    page = project.root / "reports" / "tiny" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("old")

    stderr = interrupted(project, lambda: makes(page), monkeypatch)
    assert stderr.startswith(f"{said}{page}")


@pytest.mark.parametrize("words", [("budget", "use", "trial"), ("reproduce", "--budget", "trial")])
def test_no_budget_is_laid_under_it(
    words: tuple[str, ...], untouched: TemporaryProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any moment of it: between two rounds, when no stage runs, too."""
    project, said = untouched.copy(tmp_path / "project"), list[str]()
    before = (project.root / "params.yaml").read_bytes()

    interrupted(project, lambda: said.append(project.ferlab(*words, code=2)), monkeypatch)
    assert f"params.yaml is in use by process {os.getpid()} (" in said[0]
    assert (project.root / "params.yaml").read_bytes() == before


def test_reports_that_cant_be_written_are_told_before_anything_runs(
    untouched: TemporaryProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = untouched.copy(tmp_path / "project")
    (project.root / "reports").mkdir()
    (project.root / "reports" / "tiny").touch()  # root may write whatever a mode forbids
    monkeypatch.setattr(Local, "run", lambda *_: pytest.fail("something ran"))
    with pytest.raises(UserError) as caught:
        Sitting(Project(project.root), project.params, 1, math.inf, quiet=True).run()
    assert caught.value.where == str(project.root / "reports")


@pytest.mark.long  # a whole pipeline
@pytest.mark.timeout(5400)
def test_in_short_sittings_it_ends_as_dvc_repro_does(
    fresh: TemporaryProject, finished: TemporaryProject, tmp_path: Path
) -> None:
    """Cut short again and again, two stages at once: DVC's hashes and the runs are those of one `dvc repro`."""
    bring, codes = tmp_path / "brought", list[int]()
    for seconds in (20, 60, 3600):  # no machine does it all in the first, every one in the last
        started = time.monotonic()
        process = subprocess.run(
            ["ferlab", "reproduce", "--time-limit", f"{seconds}s", "--jobs", "2", "--resume", "--bring", str(bring)],
            cwd=fresh.root, env=fresh.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        codes.append(process.returncode)
        assert process.returncode in (0, TIME_UP), process.stdout + process.stderr
        assert time.monotonic() - started < seconds + GRACE
    assert codes[-1] == 0, process.stdout + process.stderr
    assert TIME_UP in codes, "nothing was cut short"
    assert fresh.locked() == finished.locked()
    same = "SELECT t.value, r.status FROM runs r JOIN tags t USING (run_uuid) WHERE t.key = 'ferlab.identity'"
    assert sorted(fresh.query(same)) == sorted(finished.query(same))
    assert (bring / "reports" / "tiny" / "predictions" / "svm-0.parquet").exists()
    assert max(path.stat().st_size for path in bring.rglob("*") if path.is_file()) < 2**20


@pytest.mark.chaos
def test_cut_short_after_a_change_it_still_brings_what_there_is(done: TemporaryProject, tmp_path: Path) -> None:
    """Old results beside new settings make no page; files of the user's own in the folder stay.

    It runs as `nohup … &` does, with Ctrl-C's signal ignored, by which stages are asked to stop all the same.
    """
    done.change({"classifiers": {"svm": {"max_iterations": 301}}})
    done.repro("mix@svm", "mix@resnet50-dcgan")  # what is left is the training, which begins well within the time
    mine = tmp_path / "brought" / "reports" / "tiny" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    page = (done.root / "reports" / "tiny" / "index.html").read_bytes()
    with (done.root / "src/ferlab/adapters/models.py").open("a") as source:  # no stage depends on the adapters
        source.write(SLEEPS)
    process = subprocess.run(
        ["sh", "-c", f"trap '' INT; exec ferlab reproduce --time-limit 45s --bring '{tmp_path / 'brought'}'"],
        cwd=done.root, env=done.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    output = process.stdout + process.stderr
    assert process.returncode == TIME_UP, output
    assert output.index("train@svm-0: asked to stop") < output.index("train@svm-0: stopped")
    assert "the page stays as it was" in output
    assert (done.root / "reports" / "tiny" / "index.html").read_bytes() == page
    assert mine.read_text() == "mine"
    brought, ours = (folder / "arms" / "svm.json" for folder in (mine.parent, done.root / "reports" / "tiny"))
    assert brought.read_bytes() == ours.read_bytes()


def below(process: psutil.Process, *words: str) -> list[psutil.Process]:
    """Its descendants whose command line holds all these words."""
    found = []
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if set(words) <= set(child.cmdline()):
                found.append(child)
    return found


@pytest.mark.chaos
def test_killed_it_leaves_neither_dvc_nor_its_stage_behind(done: TemporaryProject) -> None:
    done.change({"classifiers": {"svm": {"max_iterations": 301}}})
    with (done.root / "src/ferlab/adapters/models.py").open("a") as source:
        source.write(SLEEPS)
    process = done.start("ferlab", "reproduce")
    try:
        while not (stages := below(psutil.Process(process.pid), "stage", "train")):
            assert process.poll() is None
            time.sleep(0.05)
        ended = [*stages, *below(psutil.Process(process.pid), "repro")]
        assert len(ended) == 2
        process.kill()  # it alone, not its group
        _, alive = psutil.wait_procs(ended, GRACE)
        assert alive == []
    finally:
        stop(process)


@pytest.mark.chaos
def test_a_failure_takes_only_what_waits_for_it(done: TemporaryProject) -> None:
    done.change({"run": {"seeds": [0, 1]}})
    done.edit("src/ferlab/classifiers/svm.py", "        observe(1, row)", "        raise OSError('no more chairs')")
    output = done.ferlab("reproduce", "--jobs", "2", code=1)
    assert "train@svm-1: failed" in output
    assert "no more chairs" in output
    assert (done.root / "work" / "runs" / "resnet50-dcgan-1").exists()
    assert "evaluate@resnet50-dcgan-1: done" in output
    assert "report: started" not in output
    assert (done.root / "reports" / "tiny" / "index.html").exists()
