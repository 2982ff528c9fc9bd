"""Which files are evidence: the splits that an arm's `tests` name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ferlab.errors import UserError
from ferlab.evaluation import predictions
from ferlab.params import Params, check
from ferlab.report.evidence import Evidence
from ferlab.report.render import build
from reports import N, add_rest, add_run, make_params


def judged_on(tests: dict[str, list[str]]) -> Params:
    values = make_params([0], "cpu", "real").model_dump(mode="json")
    values["tune"]["held_out"] = 0.1
    for name, splits in tests.items():
        values["arms"][name] |= {"tests": splits, "select_on": "last"}
    return check(values, "params.yaml")


def add_valid(folder: Path, arm: str, right: int) -> None:
    """The same run's answers to images of the split valid, `right` of them correct."""
    add_run(folder / "elsewhere", arm, 0, right, prefix="v")
    said = predictions.read(folder / "elsewhere" / "predictions" / f"{arm}-0.parquet")
    predictions.write(folder / "valid" / f"{arm}-0.parquet", replace(said, split="valid"))


def test_both_splits_are_one_set_of_rows(tmp_path: Path) -> None:
    arms = ("resnet50", "resnet50-dcgan")
    params = judged_on({arm: ["test", "valid"] for arm in arms})
    for arm, right in zip(arms, (40, 50), strict=True):
        add_run(tmp_path, arm, 0, right)
        add_valid(tmp_path, arm, right + 10)
    evidence = Evidence(tmp_path, params)
    run = evidence.runs["resnet50"][0]
    assert run.split == "test+valid"
    assert run.ids == tuple(f"{letter}{i}" for letter in "tv" for i in range(N))
    assert run.correct.sum() == 40 + 50
    np.testing.assert_array_equal(run.probabilities[:N], evidence.test_runs["resnet50"][0].probabilities)
    assert evidence.test_runs["resnet50-dcgan"][0].correct.sum() == 50
    add_rest(tmp_path, params)
    (tmp_path / "test_images.csv").write_text(
        "id,copy_in_train,near_copy_in_train\n" + "".join(f"t{i},{i < 10},{i < 10}\n" for i in range(N))
    )
    page = build(tmp_path, params, draw=False).read_text()
    assert f"{90 / (2 * N):.2%}"[:-1] in page
    assert f"{100 * (40 - 10) / (N - 10):.2f} ({N - 10})" in page  # leaks are known of the split test alone


def test_a_run_without_one_of_its_splits_is_not_run(tmp_path: Path) -> None:
    add_run(tmp_path, "resnet50", 0, 40)
    evidence = Evidence(tmp_path, judged_on({"resnet50": ["test", "valid"]}))
    assert evidence.runs == {}
    assert evidence.test_runs["resnet50"][0].split == "test"


def test_where_tests_is_test_nothing_else_is_read(tmp_path: Path) -> None:
    add_run(tmp_path, "resnet50", 0, 40)
    (tmp_path / "valid").mkdir()
    (tmp_path / "valid" / "resnet50-0.parquet").write_text("damaged")
    evidence = Evidence(tmp_path, make_params([0]))
    assert evidence.runs["resnet50"][0].correct.sum() == 40
    assert evidence.test_runs is evidence.runs


def test_arms_judged_on_other_splits_do_not_stand_in_one_table(tmp_path: Path) -> None:
    for arm in ("resnet50", "svm"):
        add_run(tmp_path, arm, 0, 40)
    add_valid(tmp_path, "resnet50", 40)
    with pytest.raises(UserError, match=r"not those of resnet50-0\.parquet") as caught:
        _ = Evidence(tmp_path, judged_on({"resnet50": ["test", "valid"]})).runs
    assert "equal `tests`" in str(caught.value.next_step)


def test_splits_of_two_trainings_are_refused(tmp_path: Path) -> None:
    add_run(tmp_path, "resnet50", 0, 40)
    add_valid(tmp_path, "resnet50", 40)
    path = tmp_path / "valid" / "resnet50-0.parquet"
    predictions.write(path, replace(predictions.read(path), run="f" * 16))
    with pytest.raises(UserError, match="the predictions of valid are of another run than those of test"):
        _ = Evidence(tmp_path, judged_on({"resnet50": ["test", "valid"]})).runs
