"""The search as a stage and as a command, in a project of tiny faces: real trainings, in this process."""

import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch

from ferlab.adapters.store import connect
from ferlab.adapters.tuning import TrialRow
from ferlab.cli.main import app
from ferlab.data.images import ImageSet
from ferlab.data.splits import hold_out
from ferlab.errors import UserError
from ferlab.project import Project
from ferlab.stages.context import Context, run_stage
from ferlab.stages.table import find
from ferlab.stages.tune import Bench, flat_words
from small import barred
from temporary import TemporaryProject, stop

OUTS = ("work/tuned/resnet50.json", "reports/tiny/trials/resnet50.csv", "reports/tiny/tuning/resnet50.json")


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stages settle threads, kernels and SIGTERM for their whole process."""
    for name in ("MLFLOW_TRACKING_URI", "FERLAB_STUDY_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    threads, handler = torch.get_num_threads(), signal.getsignal(signal.SIGTERM)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def prepared(untouched: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """Splits made, MLflow's schema made. Read-only."""
    project = untouched.copy(tmp_path_factory.mktemp("prepared") / "project")
    run_stage(Project(project.root), find("prepare"), [], quiet=True)
    run_stage(Project(project.root), find("code"), [], quiet=True)
    connect(Project(project.root))
    shutil.rmtree(project.root / "src")  # a study without source, on which the package that is imported here may work
    return project


@pytest.fixture
def make(prepared: TemporaryProject, tmp_path: Path) -> Callable[..., TemporaryProject]:
    def copy(name: str, **tune: Any) -> TemporaryProject:
        project = prepared.copy(tmp_path / name)
        project.change({"tune": tune})
        return project

    return copy


def search(project: TemporaryProject) -> dict[str, Any]:
    run_stage(Project(project.root), find("tune"), ["resnet50"], quiet=True)
    found: dict[str, Any] = json.loads((project.root / OUTS[2]).read_text())
    return found


def outs(project: TemporaryProject) -> list[bytes]:
    return [(project.root / path).read_bytes() for path in OUTS]


def runs(project: TemporaryProject) -> dict[str, tuple[Any, ...]]:
    rows = project.query("SELECT name, status, start_time, end_time FROM runs WHERE name LIKE 'tune-%'")
    return {row[0]: row[1:] for row in rows}


def test_a_larger_total_goes_on_where_the_search_ended(make: Callable[..., TemporaryProject]) -> None:
    """1 and 1 more equals 2, and the first trial isn't trained again."""
    project, whole = make("grown", trials=1), make("whole", trials=2)
    study = search(project)["study"]
    before = runs(project)
    project.change({"tune": {"trials": 2}})
    assert search(project)["study"] == study
    assert runs(project)[f"{study}-0"] == before[f"{study}-0"]
    assert f"{study}-1" in runs(project)
    search(whole)
    assert outs(project) == outs(whole)


@pytest.mark.chaos  # kills a real search
def test_a_search_killed_in_a_trial_ends_bit_equal(make: Callable[..., TemporaryProject]) -> None:
    """The trial goes on from its checkpoint; its run is the same run."""
    settings: dict[str, Any] = {"trials": 2, "epochs": 40, "transfer": {"best": 0}}
    whole, project = make("whole", **settings), make("killed", **settings)
    whole.ferlab("stage", "tune", "resnet50")
    project.change({"runtime": {"checkpoint_seconds": 0}})
    process = project.start("ferlab", "stage", "tune", "resnet50")
    while not list(project.root.glob(".ferlab/inflight/*/1-40/state.safetensors")):
        assert process.poll() is None, project.beside("log.txt").read_text()
        time.sleep(0.02)
    stop(process)
    assert sorted(status for status, *_ in runs(project).values()) == ["FINISHED", "RUNNING", "RUNNING"]
    assert not (project.root / OUTS[0]).exists()
    project.ferlab("stage", "tune", "resnet50")
    assert outs(project) == outs(whole)
    assert len(runs(project)) == 4  # the study, two trials, the reference
    assert {status for status, *_ in runs(project).values()} == {"FINISHED"}


def test_another_space_is_another_study(make: Callable[..., TemporaryProject]) -> None:
    """Its trials never go on from those of the old space."""
    project = make("project", transfer={"best": 0})
    first = search(project)["study"]
    project.change({"tune": {"space": {"lr": {"high": 0.3}}}})
    assert search(project)["study"] != first


def poison(folder: Path) -> None:
    labels = np.load(folder / "labels.npy")
    np.save(folder / "labels.npy", (labels + 3) % 7)


@pytest.mark.parametrize("harm", [poison, lambda folder: [path.unlink() for path in folder.iterdir()]])
def test_the_test_split_cannot_reach_the_search(
    harm: Callable[[Path], Any], make: Callable[..., TemporaryProject]
) -> None:
    """With other test labels, or none at all, it ends the same."""
    assert not [path for path in find("tune").inputs if "test" in path]
    project, harmed = make("project"), make("harmed")
    harm(harmed.root / "work" / "prepared" / "test")
    search(project)
    search(harmed)
    assert outs(project) == outs(harmed)


def test_publictest_cannot_reach_a_search_on_a_held_out_part(make: Callable[..., TemporaryProject]) -> None:
    """A part of train that holds no copy of what trains, and that no trial sees; the rest is all the search has."""
    project, harmed = make("project", held_out=0.25), make("harmed", held_out=0.25)
    poison(harmed.root / "work" / "prepared" / "valid")
    found = search(project)
    train = ImageSet.open(project.root / "work" / "prepared" / "train")
    kept, rest = hold_out(train, 0.25)
    assert found["images"] == {
        "part": len(kept) // 2, "whole": len(kept), "valid": len(rest),
        "commonest": max(train.take(rest).counts().values()),
    }  # fmt: skip
    search(harmed)
    summaries = [json.loads(out) for out in (outs(project)[2], outs(harmed)[2])]
    for told in summaries:  # named by its inputs, of which the split valid is one
        del told["identity"], told["study"]
    assert summaries[0] == summaries[1]
    assert outs(project)[1] == outs(harmed)[1]


@pytest.mark.parametrize(("values", "flat"), [((0.24, 0.30, None), True), ((0.24, 0.31, None), False)])
def test_a_flat_search_says_so(values: tuple[float | None, ...], flat: bool) -> None:
    """No trial further than five points above always answering the commonest class: here 25 of 100."""
    labels = np.repeat(np.arange(7), (25, 20, 20, 15, 10, 5, 5))
    faces = barred(15).take(np.arange(100))
    valid = replace(faces, labels=labels)
    at = Bench(cast(Context, None), "s", faces, faces, valid, None)
    rows = [TrialRow(number, {"lr": 0.1}, value, "COMPLETE") for number, value in enumerate(values)]
    said = (
        "this search ranks nothing: no trial is more than 5 points above always answering the commonest class (25.00%)"
    )
    assert flat_words(at, rows) == (said if flat else "")


def test_the_choice_is_the_best_on_the_whole_split(make: Callable[..., TemporaryProject]) -> None:
    """And what tuned arms use is that choice."""
    project = make("project", trials=3, transfer={"best": 2, "epochs": 2})
    found = search(project)
    assert len(found["transfer"]) == 2
    parts = sorted((t["part"] for t in found["transfer"]), reverse=True)
    assert [t["part"] for t in found["transfer"]] == parts
    assert found["chosen"]["whole"] == max(t["whole"] for t in found["transfer"])
    assert (found["images"]["part"], found["images"]["whole"]) == (21, 42)
    assert found["reference"]["values"] == project.params.tune.reference
    tuned = json.loads((project.root / OUTS[0]).read_text())
    assert tuned["values"] == found["chosen"]["values"]
    trials = pd.read_csv(project.root / OUTS[1])
    assert list(trials["number"]) == [0, 1, 2]
    chosen = trials.set_index("number").loc[tuned["trial"]]
    assert {key: chosen[key] for key in tuned["values"]} == tuned["values"]


def test_a_search_in_which_every_loss_is_infinite_says_so(make: Callable[..., TemporaryProject]) -> None:
    """A summary of all trials; no file is written."""
    project = make("project", trials=2, epochs=6, space={"lr": {"low": 9.0, "high": 10.0}, "batch_size": [2]})
    project.change({"classifiers": {"resnet50": {"weight_decay": 1.0, "schedule": "constant"}}})
    with pytest.raises(UserError, match="none of 2 trials has a value") as caught:
        search(project)
    assert str(caught.value).count("no longer finite") == 2
    assert not any((project.root / path).exists() for path in OUTS)
    statuses = [status for status, *_ in runs(project).values()]
    assert statuses == ["FAILED"] * 3


def test_the_command_leaves_its_trials_to_the_stage(
    make: Callable[..., TemporaryProject], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So several workers can do the pipeline's own study; a further key makes a study of its own."""
    project = make("project", trials=2)
    monkeypatch.chdir(project.root)
    app(["--quiet", "tune", "resnet50"], standalone_mode=False)
    told = capsys.readouterr().out
    assert told.startswith("trial 0: batch_size ")
    assert "best: trial" in told
    before = runs(project)
    found = search(project)
    after = runs(project)
    for number in (0, 1):
        assert after[f"{found['study']}-{number}"] == before[f"{found['study']}-{number}"]
    words = ["--space", "momentum=0.5..0.9", "--space", "schedule=constant,one_cycle", "--trials", "1"]
    app(["--quiet", "tune", "resnet50", *words], standalone_mode=False)
    told = capsys.readouterr().out
    assert "momentum 0." in told
    assert "schedule " in told
    assert found["study"] not in told


def test_workers_side_by_side_share_one_study(
    make: Callable[..., TemporaryProject], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make("project", trials=3)
    monkeypatch.chdir(project.root)
    app(["tune", "resnet50", "--jobs", "2"], standalone_mode=False)
    assert capsys.readouterr().out.count("best: trial") == 1
    trials = project.query("SELECT t.value, r.status FROM runs r JOIN tags t USING (run_uuid) WHERE t.key = 'trial'")
    assert sorted(trials) == [(str(number), "FINISHED") for number in range(3)]
    logs = [(project.root / ".ferlab" / "logs" / f"tune-resnet50-{number}.log").read_text() for number in (0, 1)]
    assert all("best: trial" in log for log in logs)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["resnet50", "--space", "dropuot=0.1..0.5"], "there is no key 'dropuot' to search"),
        (["resnet50", "--space", "lr=0.1..0.1"], "a range needs low < high, not 0.1 and 0.1"),
        (["resnet50", "--space", "lr=0.2..0.1:log"], "a range needs low < high, not 0.2 and 0.1"),
        (["resnet50", "--space", "weight_decay=0..0.1:log"], "a log range needs bounds above zero, not 0"),
        (["resnet50", "--space", "momentum=-0.1..0.5"], "momentum: -0.1 is not allowed"),
        (["resnet50", "--space", "schedule=constant,cosine"], "schedule: 'cosine' is not allowed"),
        (["resnet50", "--space", "epochs=1..5"], "there is no key 'epochs' to search"),
        (["resnet50", "--space", "lr"], "'lr' is no part of a space"),
        (["resnet50", "--space", "lr=low..high"], "'low..high' is no range of numbers"),
        (["resnet50", "--space", "lr=0.1..0.2:exp"], "'0.1..0.2:exp' is no range of numbers"),
        (["resnet50", "--trials", "0"], "tune.trials: 0 is not allowed"),
        (["resnet50", "--fraction", "1.5"], "tune.train_fraction: 1.5 is not allowed"),
        (["nobody"], "there is no classifier 'nobody'"),
        (["svm"], "to search; the keys are features, kernel"),
        (["resnet50", "--storage", "sqlite:////no/such/folder/o.db"], "unable to open database file"),
        (["resnet50", "--study", "no name"], "'no name' can't name a study"),
        (["resnet50", "--fail", "3"], "can't be marked failed"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    words: list[str], says: str, prepared: TemporaryProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(prepared.root)
    before = (prepared.root / "params.yaml").read_bytes()
    with pytest.raises(UserError) as caught:
        app(["--quiet", "tune", *words], standalone_mode=False)
    assert says in str(caught.value)
    assert (prepared.root / "params.yaml").read_bytes() == before
    assert [path.name for path in (prepared.root / "work" / "tuned").iterdir()] == [
        "none.json"
    ]  # as `prepare` leaves it


def test_no_cluster_is_named_and_nothing_is_written(
    prepared: TemporaryProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="needs the extra cluster")
    monkeypatch.chdir(prepared.root)
    study = prepared.root / ".ferlab" / "optuna.db"  # that of other tests, if there is one
    before = study.read_bytes() if study.exists() else b""
    with pytest.raises(UserError, match="'nowhere' is no cluster's address"):
        app(["--quiet", "tune", "resnet50", "--on", "nowhere"], standalone_mode=False)
    assert (study.read_bytes() if study.exists() else b"") == before
