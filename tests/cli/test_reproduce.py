"""`ferlab reproduce`: the same results as `dvc repro`, several stages at once, in sittings of bounded length."""

import subprocess
import time
from pathlib import Path

import pytest

from ferlab.adapters.pipeline import GRACE, due_stages
from ferlab.cli.reproduce import TIME_UP, parse_duration
from ferlab.errors import UserError
from temporary import TemporaryProject

TRAINS = {"train@resnet50-dcgan-0", "train@svm-0"}
EVALUATES = {"evaluate@resnet50-dcgan-0", "evaluate@svm-0"}


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("25m", 1500), ("1.5h", 5400), ("1h30m", 5400)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "25", "m", "0m", "-5m", "25 minutes", "1e3s", "5m x"])
def test_no_length_of_time(text: str) -> None:
    with pytest.raises(UserError, match="90s, 25m or 1h30m"):
        parse_duration(text)


def test_in_a_finished_project_nothing_is_due(finished: TemporaryProject) -> None:
    assert due_stages(finished.root) == {}
    assert "0 of 0 stages done" in finished.ferlab("reproduce", "--time-limit", "5m")


def test_what_a_change_makes_due(done: TemporaryProject) -> None:
    """All that may follow from it, each behind those whose outs it reads, and the later stages first."""
    done.change({"classifiers": {"svm": {"max_iterations": 301}}})
    due = due_stages(done.root)
    assert set(due) == {"mix", *TRAINS, *EVALUATES, "report"}
    assert due["mix"].waits_for == set()
    assert due["train@svm-0"].waits_for == {"mix"}
    assert due["evaluate@svm-0"].waits_for == {"train@svm-0"}
    assert due["report"].waits_for >= EVALUATES
    assert due["evaluate@svm-0"].rank < due["train@resnet50-dcgan-0"].rank < due["mix"].rank


def test_all_arms_come_before_a_second_seed(done: TemporaryProject) -> None:
    done.change({"run": {"seeds": [0, 1]}, "compute": {"threads": 2}})
    trains = {name: stage for name, stage in due_stages(done.root).items() if name.startswith("train@")}
    assert sorted(trains, key=lambda name: trains[name].rank) == [
        "train@resnet50-dcgan-0", "train@svm-0", "train@resnet50-dcgan-1", "train@svm-1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--budget", "papre"), "the budgets are cpu, demo, paper, trial"),
        (("--time-limit", "25"), "90s, 25m or 1h30m"),
        (("--time-limit", ""), "90s, 25m or 1h30m"),
        (("--bring", "."), "name another folder"),
        (("--bring", "params.yaml/below"), "params.yaml is no folder"),
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


@pytest.mark.chaos  # a whole pipeline
@pytest.mark.timeout(1200)
def test_in_short_sittings_it_ends_as_dvc_repro_does(
    fresh: TemporaryProject, finished: TemporaryProject, tmp_path: Path
) -> None:
    """Cut short again and again, two stages at once: DVC's hashes and the runs are those of one `dvc repro`."""
    bring, codes = tmp_path / "brought", list[int]()
    for seconds in (20, 60, 900):  # no machine does it all in the first, every one in the last
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
    mine = tmp_path / "brought" / "reports" / "tiny" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    page = (done.root / "reports" / "tiny" / "index.html").read_bytes()
    with (done.root / "src/ferlab/adapters/models.py").open("a") as source:  # no stage depends on the adapters
        source.write("\n\ndef log_if_best(*_):\n    import time\n    time.sleep(900)\n")
    process = subprocess.run(
        ["sh", "-c", f"trap '' INT; exec ferlab reproduce --time-limit 90s --bring '{tmp_path / 'brought'}'"],
        cwd=done.root, env=done.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    output = process.stdout + process.stderr
    assert process.returncode == TIME_UP, output
    assert "train@svm-0: stopped" in output
    assert "the page is as it was" in output
    assert (done.root / "reports" / "tiny" / "index.html").read_bytes() == page
    assert mine.read_text() == "mine"
    assert (mine.parent / "arms.json").read_bytes() == (done.root / "reports" / "tiny" / "arms.json").read_bytes()


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
