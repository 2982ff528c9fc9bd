"""The whole pipeline, really run once on tiny archives, and what makes parts of it run again."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.params.budgets import lay_budget
from temporary import TINY, TemporaryProject, stages_run

EVERY_STAGE = {
    "prepare", "audit", "code", "settings", "gan@dcgan-0", "synthesize@dcgan", "quality", "tune@resnet50",
    "mix@resnet50-dcgan", "mix@svm", "train@resnet50-dcgan-0", "train@svm-0",
    "evaluate@resnet50-dcgan-0", "evaluate@svm-0", "report",
}  # fmt: skip


def runs(project: TemporaryProject) -> int:
    return int(project.query("SELECT count(*) FROM runs")[0][0])


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_stage_ran_and_made_its_outs(finished: TemporaryProject) -> None:
    assert stages_run(finished.beside("repro.txt").read_text()) == EVERY_STAGE
    for name, outs in finished.locked().items():
        for path in outs:
            assert (finished.root / path).exists(), f"{name}: {path}"


def test_predictions_cover_the_test_split_with_probabilities(finished: TemporaryProject) -> None:
    folder = finished.root / "reports" / "tiny" / "predictions"
    assert {path.name for path in folder.iterdir()} == {"resnet50-dcgan-0.parquet", "svm-0.parquet"}
    for path in folder.iterdir():
        table = pq.read_table(path).to_pandas()
        assert len(table) == 4 * len(FER_CLASSES)
        assert (table[list(FER_CLASSES)].sum(axis=1) - 1).abs().max() < 1e-5


def test_a_second_repro_does_nothing_and_leaves_git_clean(done: TemporaryProject) -> None:
    before = runs(done)
    output = done.repro()
    assert "up to date" in output
    assert stages_run(output) == set()
    assert done.dirt() == ""
    assert runs(done) == before


@pytest.mark.chaos  # half a minute and more: kept out of the quick tier
def test_two_runs_give_the_same_bytes(finished: TemporaryProject, fresh: TemporaryProject) -> None:
    """Another process, another folder, an empty cache: equal files, all the way to the predictions."""
    targets = ("evaluate@svm-0", "evaluate@resnet50-dcgan-0")
    output = fresh.repro(*targets)
    assert stages_run(output) == EVERY_STAGE - {"quality", "report"}
    once, again = finished.locked(), fresh.locked()
    assert {name: once[name] for name in again} == again
    for target in targets:
        name = f"reports/tiny/predictions/{target.removeprefix('evaluate@')}.parquet"
        assert (finished.root / name).read_bytes() == (fresh.root / name).read_bytes()


@pytest.mark.chaos  # half a minute and more: kept out of the quick tier
def test_going_to_another_value_and_back_retrains_nothing(done: TemporaryProject) -> None:
    """DVC's run cache stays on."""
    here = (done.root / "params.yaml").read_text()
    done.change({"classifiers": {"svm": {"C": 0.5}}})
    there = done.repro()
    mixed = {"code", "settings", "mix@svm", "mix@resnet50-dcgan"}
    assert stages_run(there) == {*mixed, "train@svm-0", "evaluate@svm-0", "report"}
    assert len(done.ledger()) == 3
    done.commit("Another C")
    count = runs(done)

    (done.root / "params.yaml").write_text(here)
    back = done.repro()
    assert "Stage 'train@svm-0' is cached - skipping run" in back
    assert stages_run(back) == set()
    assert runs(done) == count
    assert len(done.ledger()) == 3
    done.commit("Back")
    changed = done.run("git", "diff", "--name-only", "HEAD~2").split()
    assert changed == ["reports/tiny/ledger.jsonl"]


@pytest.mark.chaos  # a whole pipeline
@pytest.mark.long
def test_laying_another_budget_and_going_back_runs_nothing(done: TemporaryProject) -> None:
    """Every stage's outs are in DVC's run cache, those that git keeps too."""
    other = TINY.replace("budget: tiny", "budget: other").replace("max_iterations: 300", "max_iterations: 301")
    for name, text in (("tiny", TINY), ("other", other)):
        (done.root / "budgets" / f"{name}.yaml").write_text(text)
    lay_budget(done.root, "tiny")  # the file's own text, as ruamel writes it
    done.repro()
    done.commit("Budgets")
    lay_budget(done.root, "other")
    assert "report" in stages_run(done.repro())
    assert (done.root / "reports" / "other" / "index.html").is_file()
    done.commit("Another budget")
    lay_budget(done.root, "tiny")
    assert stages_run(done.repro()) == set()
    assert done.run("git", "diff", "--name-only", "HEAD~1", "--", "reports/tiny") == ""


@pytest.mark.chaos  # half a minute and more: kept out of the quick tier
def test_going_back_to_an_earlier_search_runs_no_trial_again(done: TemporaryProject) -> None:
    trials = "SELECT name, status, start_time, end_time FROM runs WHERE name LIKE 'tune-resnet50-%' ORDER BY start_time"
    before, first = done.locked()["tune@resnet50"], done.query(trials)
    lr = done.params.plain("tune.space")["lr"]
    done.change({"tune": {"space": {"lr": {"low": 0.001, "high": 0.002}}}})
    done.repro("tune@resnet50")
    second = done.query(trials)
    assert len(second) == 2 * len(first)
    assert done.locked()["tune@resnet50"] != before
    done.change({"tune": {"space": {"lr": lr}}})
    done.repro("tune@resnet50")
    assert done.locked()["tune@resnet50"] == before
    assert done.query(trials) == second
    assert second[: len(first)] == first


@pytest.mark.chaos  # a search
def test_the_run_cache_brings_a_search_back_without_its_database(done: TemporaryProject) -> None:
    """A stage with an uncached out that is no metric or plot would be run again."""
    before = done.locked()["tune@resnet50"]
    lr = done.params.plain("tune.space")["lr"]
    done.change({"tune": {"space": {"lr": {"low": 0.001, "high": 0.002}}}})
    done.repro("tune@resnet50")
    (done.root / ".ferlab" / "optuna.db").unlink()
    done.change({"tune": {"space": {"lr": lr}}})
    assert stages_run(done.repro("tune@resnet50")) == set()
    assert done.locked()["tune@resnet50"] == before
    assert (done.root / "work" / "tuned" / "resnet50.json").is_file()


@pytest.mark.chaos  # half a minute and more: kept out of the quick tier
def test_an_edit_of_the_gans_loss_retrains_gans_and_what_follows_only(done: TemporaryProject) -> None:
    """DVC alone wouldn't see an edited helper module. No checkpoint of the old code is gone on from, either."""
    old = done.locked()
    done.edit("src/ferlab/gan/objectives.py", "return F.softplus(-fake_logits).mean()",
              "return 2 * F.softplus(-fake_logits).mean()")  # fmt: skip
    output = done.repro()
    gans = {"gan@dcgan-0", "synthesize@dcgan", "quality", "mix@resnet50-dcgan", "train@resnet50-dcgan-0"}
    assert stages_run(output) == gans | {"evaluate@resnet50-dcgan-0", "report"}
    assert "starting afresh, because this changed: code of gan" in output
    assert done.locked()["gan@dcgan-0"]["work/gan/dcgan/0"] != old["gan@dcgan-0"]["work/gan/dcgan/0"]
    assert done.locked()["train@svm-0"] == old["train@svm-0"]


@pytest.mark.chaos  # half a minute and more: kept out of the quick tier
def test_an_edit_of_the_metrics_evaluates_and_reports_anew_only(done: TemporaryProject) -> None:
    path = done.root / "src" / "ferlab" / "evaluation" / "metrics.py"
    path.write_text(path.read_text() + "\n# changed\n")
    done.commit("Change the metrics")  # else the page would say that it was built by uncommitted code
    before, count = done.locked(), runs(done)
    output = done.repro()
    assert stages_run(output) == {"evaluate@resnet50-dcgan-0", "evaluate@svm-0", "report"}
    assert done.locked() == before
    assert runs(done) == count
    assert done.query("SELECT run_uuid, key FROM metrics GROUP BY run_uuid, key, step HAVING count(*) > 1") == []
    assert len(done.ledger()) == 2  # equal identity, equal predictions: no second line


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"runtime": {"checkpoint_seconds": 1}}, {"report"}),  # the report keeps the whole params.yaml
        ({"gan": {"families": {"dcgan": {"lr": 0.5}}}}, {"gan@dcgan-0", "report"}),
        ({"tune": {"trials": 2}}, {"tune@resnet50", "report"}),
        ({"tune": {"transfer": {"best": 0}}}, {"tune@resnet50", "report"}),
        ({"quality": {"collapse_ratio": 0.1}}, {"quality", "report"}),
        ({"synthesis": {"shown": 2}}, {"quality", "report"}),
    ],
)
def test_a_changed_parameter_makes_just_its_stages_stale(
    change: dict[str, object], wanted: set[str], done: TemporaryProject
) -> None:
    done.change(change)
    assert done.due() == wanted


def test_looks_at_a_gan_are_kept_with_its_run(finished: TemporaryProject) -> None:
    """A collapse is seen without a screen, too: a picture of what each of seven GANs makes after its last epoch."""
    pictures = sorted((finished.root / "mlruns" / "gans").glob("*/artifacts/samples/epoch-0002.png"))
    assert len(pictures) == 7
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (8 * 50, 50)


def test_the_quality_of_each_class_is_on_file(finished: TemporaryProject) -> None:
    found = json.loads((finished.root / "reports" / "tiny" / "quality.json").read_text())
    assert set(found) == {"dcgan", "real", "protocol"}
    assert set(found["dcgan"]) == {*CKPLUS_CLASSES, "all"}
    assert found["dcgan"]["all"]["samples"] == 4 * 7
    assert np.load(finished.root / "reports" / "tiny" / "samples" / "dcgan.npy").shape == (7, 4, 48, 48)
