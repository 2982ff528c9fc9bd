"""`verify`: nothing published can be changed unseen. Provenance: what doesn't fit together is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

from ferlab.errors import UserError
from ferlab.files import sha256_file
from ferlab.params.migration import load_published
from ferlab.report.check import TEXTS, faults
from ferlab.report.evidence import Evidence
from ferlab.report.render import build
from ferlab.report.trace import trace
from reports import N, add_ledger, add_rest, add_run, make_params, write_ledger
from small import REPOSITORY

PARAMS = make_params([0, 1, 2], "trial", "real")
ARMS = ("resnet50", "resnet50-dcgan", "resnet50-steps")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for arm, right in zip(ARMS, (40, 46, 43), strict=True):
        for seed in range(3):
            add_run(tmp_path, arm, seed, right + seed * (1 if arm == "resnet50" else -1))
    add_rest(tmp_path, PARAMS)
    add_ledger(tmp_path)
    build(tmp_path, PARAMS, draw=False)
    return tmp_path


def found(folder: Path) -> list[str]:
    return [fault.replace(f"{folder}/", "") for fault in faults(Evidence(folder, PARAMS))]


def test_what_is_published_follows_from_its_files(folder: Path) -> None:
    assert found(folder) == []
    assert "Where the gain comes from" in (folder / "index.html").read_text()


@pytest.mark.parametrize("name", TEXTS)
def test_any_one_digit_is_seen(folder: Path, name: str) -> None:
    """Digits all over the file, each changed alone."""
    text = (folder / name).read_text()
    head = text.index("<main>") if name == "index.html" else 0
    digits = [i for i, letter in enumerate(text) if letter.isdigit() and i > head]
    for i in np.random.default_rng(0).choice(digits, 2, replace=False):
        (folder / name).write_text(text[:i] + str((int(text[i]) + 1) % 10) + text[i + 1 :])
        (fault,) = found(folder)
        assert fault.startswith(f"{name}, line {text[:i].count(chr(10)) + 1}: says ")
    (folder / name).unlink()
    assert found(folder) == [f"{name}: missing"]


@pytest.mark.parametrize("changed", ["audit.json", "samples"])
def test_what_a_kept_lock_says_of_the_files_is_held_against_them(changed: str, tmp_path: Path) -> None:
    """A lock that DVC itself wrote; a folder that it hashed, too."""
    folder = tmp_path / "reports" / "cpu_again"
    shutil.copytree(REPOSITORY / "reports" / "cpu_again", folder)
    evidence = Evidence(folder, load_published(folder / "params.yaml"))
    assert [fault for fault in faults(evidence) if "left there" in fault] == []
    path = folder / changed
    if path.is_dir():
        path = min(one for one in path.rglob("*") if one.is_file())
    path.write_bytes(path.read_bytes() + b"\n")
    stage = {"audit.json": "audit", "samples": "quality"}[changed]
    assert (
        f"{folder / changed}: differs from what the stage {stage} left there, according to {folder}/dvc.lock"
        in faults(evidence)
    )


def test_a_hand_edited_prediction_file_is_seen(folder: Path) -> None:
    path = folder / "predictions" / "resnet50-dcgan-1.parquet"
    table = pd.read_parquet(path)
    classes = table.columns[2:9]
    table.loc[N - 1, classes] = 0.05
    table.loc[N - 1, classes[table.loc[N - 1, "truth"]]] = 0.7  # one more right answer
    table.to_parquet(path, index=False)
    (fault,) = found(folder)
    assert fault.startswith("predictions/resnet50-dcgan-1.parquet: this file is not the one that was evaluated")
    with pytest.raises(UserError, match="the ledger has another hash"):
        build(folder, PARAMS, draw=False)


def change_ledger(folder: Path, edit: Callable[[dict[str, object]], object], row: int = 4) -> None:
    """Write the whole ledger anew, so that its chain shows nothing."""
    lines = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    edit(lines[row])
    write_ledger(folder / "ledger.jsonl", lines)


def keep_lines(folder: Path, wanted: Callable[[dict[str, Any]], bool]) -> None:
    lines = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    write_ledger(folder / "ledger.jsonl", [line for line in lines if wanted(line)])


def test_mixed_budgets_are_refused(folder: Path) -> None:
    """One seed of an arm by another setting; or one arm of other data."""
    change_ledger(folder, lambda line: line.update(settings={"epochs": 99}))
    with pytest.raises(UserError, match="other settings than") as caught:
        build(folder, PARAMS, draw=False)
    assert caught.value.where.endswith("resnet50-dcgan-1.parquet")
    add_ledger(folder)
    change_ledger(folder, lambda line: line.update(data={"kind": "demo"}))
    with pytest.raises(UserError, match="other data than"):
        build(folder, PARAMS, draw=False)


def test_a_file_under_another_runs_name_is_refused(folder: Path) -> None:
    here = folder / "predictions"
    (here / "resnet50-0.parquet").write_bytes((here / "resnet50-dcgan-0.parquet").read_bytes())
    with pytest.raises(UserError, match=r"these are the predictions of resnet50-dcgan-0"):
        build(folder, PARAMS, draw=False)


def test_a_missing_seed_and_a_run_that_no_ledger_knows_are_faults(folder: Path) -> None:
    (folder / "predictions" / "resnet50-2.parquet").unlink()
    keep_lines(folder, lambda line: line["arm"] != "resnet50-steps")
    build(folder, PARAMS, draw=False)
    faulty = found(folder)
    assert faulty[0] == "predictions/resnet50-2.parquet: missing, though the ledger has a line of resnet50-2"
    assert [one.split(":")[0] for one in faulty[1:]] == [f"predictions/resnet50-steps-{s}.parquet" for s in range(3)]
    assert len(faulty) == 4
    assert "not in the ledger" in (folder / "index.html").read_text()


def test_a_seed_that_was_never_run_is_no_fault_and_decides_nothing(folder: Path) -> None:
    (folder / "predictions" / "resnet50-2.parquet").unlink()
    keep_lines(folder, lambda line: (line["arm"], line["seed"]) != ("resnet50", 2))
    build(folder, PARAMS, draw=False)
    assert found(folder) == []
    page = (folder / "index.html").read_text()
    assert "seed 2 of resnet50 is missing: no verdict before the last planned block" in page


def test_a_score_that_the_ledger_does_not_have_is_a_fault(folder: Path) -> None:
    change_ledger(folder, lambda line: line.update(test_accuracy=0.9))
    assert found(folder) == [f"predictions/resnet50-dcgan-1.parquet: accuracy is {45 / N}, and the ledger says 0.9"]


def test_a_damaged_ledger_names_its_line(folder: Path) -> None:
    with (folder / "ledger.jsonl").open("a") as ledger:
        ledger.write("{cut off\n")
    with pytest.raises(UserError, match="line 10 is not a ledger's line"):
        _ = Evidence(folder, PARAMS).origins


@pytest.mark.parametrize(
    ("told", "said", "code"),
    [
        (
            {"dirty": "true"},
            "Made with uncommitted changes, so no commit holds it",
            f"commit {'c0ffee' * 6}, with uncommitted changes",
        ),
        (
            {"dirty": "true", "uncommitted": ["params.yaml", "src"]},
            "Made with uncommitted changes in params.yaml, src, so no commit holds it",
            f"commit {'c0ffee' * 6}, with uncommitted changes in params.yaml, src",
        ),
        (
            {"dirty": "true", "uncommitted": ["params.yaml"]},
            "Made with uncommitted changes in params.yaml; the settings are beside this page and in the ledger",
            f"commit {'c0ffee' * 6}, with uncommitted changes in params.yaml",
        ),
        (
            {"dirty": "unknown", "commit": "unknown", "unknown_because": "there is no git"},
            "Made by code whose commit is unknown (there is no git)",
            "commit unknown (there is no git)",
        ),
        ({"dirty": "false", "uncommitted": []}, "", f"commit {'c0ffee' * 6}, no uncommitted code or settings"),
        ({}, "", f"commit {'c0ffee' * 6}, no uncommitted code"),
    ],
)
def test_what_no_commit_holds_is_said_on_the_first_screen_and_by_trace(
    folder: Path, told: dict[str, Any], said: str, code: str
) -> None:
    change_ledger(folder, lambda line: line.update(told))
    page = build(folder, PARAMS, draw=False).read_text()
    head = page[: page.index("<nav")]
    assert f"{said}: resnet50-dcgan-1." in head if said else "Made " not in head
    flag = f'commit <code>{told.get("commit", "c0ffee" * 6)[:10]}</code> <span class="flag">'
    assert (flag in page) == bool(said)
    assert trace(Evidence(folder, PARAMS), "resnet50-dcgan")["runs"][1]["code"] == code
    assert found(folder) == []


@pytest.mark.parametrize(
    ("dirty", "said"), [("true", "with uncommitted changes"), ("unknown", "whose commit is unknown")]
)
def test_a_page_says_what_built_it_and_follows_from_its_files_all_the_same(
    folder: Path, dirty: Literal["true", "unknown"], said: str
) -> None:
    page = build(folder, PARAMS, draw=False, dirty=dirty).read_text()
    assert f"This page was built by code {said}" in page[: page.index("<nav")]
    assert found(folder) == []
    build(folder, PARAMS, draw=False)
    assert "This page was built by" not in (folder / "index.html").read_text()


def test_trace_gathers_what_the_ledger_and_the_files_say(folder: Path) -> None:
    told = trace(Evidence(folder, PARAMS), "resnet50-dcgan")
    assert [run["seed"] for run in told["runs"]] == [0, 1, 2]
    assert told["runs"][1]["ledger"]["commit"] == "c0ffee" * 6
    assert told["runs"][1]["predictions"] == sha256_file(folder / "predictions" / "resnet50-dcgan-1.parquet")
    assert told["plan"]["synthetic"] == "dcgan"
    assert told["files"]["audit.json"] == sha256_file(folder / "audit.json")
