"""The systems that the paper quotes beside ours, and our runs combined: from predictions alone."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ferlab.errors import UserError
from ferlab.evaluation import predictions
from ferlab.params.migration import load_published
from ferlab.report.ensembles import ALL, NETWORKS, ensembles
from ferlab.report.evidence import Evidence
from ferlab.report.finding import sentences
from ferlab.report.page import Album
from ferlab.report.render import build
from ferlab.report.sections.neighbours import section
from reports import PAPER, ROOT, add_run, make_params, with_arms

GPU = ROOT / "reports" / "gpu"


@pytest.fixture(scope="module")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, pd.DataFrame, dict[str, dict[str, dict[str, float]]]]:
    """Page, ensembles.csv and numbers of the committed report on one GPU."""
    folder = tmp_path_factory.mktemp("gpu")
    page = build(GPU, load_published(GPU / "params.yaml"), into=folder, draw=False).read_text(encoding="utf-8")
    numbers = json.loads((folder / "numbers.json").read_text())["neighbours"]
    return page[page.index('id="neighbours"') :], pd.read_csv(folder / "ensembles.csv"), numbers


def test_a_committed_report_has_the_ensembles_of_all_its_runs(
    gpu: tuple[str, pd.DataFrame, dict[str, dict[str, dict[str, float]]]],
) -> None:
    """The first three were averaged by hand before; nothing says what these runs said of validation."""
    page, table, numbers = gpu
    assert dict(zip(table["ensemble"], table["accuracy_percent"].round(2), strict=True)) == {
        "resnet50": 65.20,
        "resnet50-dcgan": 65.92,
        "resnet50-steps": 65.87,
        NETWORKS: 66.37,
    }
    assert set(table["rule"]) == {"average"}
    assert table["members"].iloc[-1].split() == [path.stem for path in sorted((GPU / "predictions").iterdir())]
    assert "that split judges them: all networks, resnet50, resnet50-dcgan, resnet50-steps." in page
    assert numbers["ensembles"]["resnet50, average"]["accuracy_percent"] == table["accuracy_percent"][0]
    assert (table["accuracy_percent"] > table["members_percent"]).all()


def test_quoted_figures_stand_beside_ours(
    gpu: tuple[str, pd.DataFrame, dict[str, dict[str, dict[str, float]]]],
) -> None:
    page, table, numbers = gpu
    together = numbers["quoted"]["seven networks together"]
    assert together["percent"] == round(table["accuracy_percent"].iloc[-1], 4)
    assert together["difference_points"] == pytest.approx(together["percent"] - 76.82)
    assert "65 ± 5" in page
    folded = page[page.index("more that have not been run at this budget") : page.index("Our runs combined")]
    for quoted in PAPER.neighbours:
        if quoted.arms:
            assert quoted.name in folded
            assert quoted.arms[0] in folded


def test_an_arm_of_a_quoted_system_is_tested_against_the_plain_network(tmp_path: Path) -> None:
    params = with_arms(make_params([0, 1], "cpu", "real"), {"null_model": {}})
    for seed in (0, 1):
        add_run(tmp_path, "resnet50", seed, 40)
        add_run(tmp_path, "null_model", seed, 30)
    quoted = section(Evidence(tmp_path, params), Album(tmp_path, draw=False)).numbers["quoted"]
    alone, four = (quoted[one.name] for one in PAPER.neighbours if one.arms == ["null_model"])
    assert (alone["ours"], alone["against"]) == ("null_model", "resnet50-0")
    assert alone["gain_points"] == pytest.approx(-100 * 10 / 70, abs=1e-4)
    assert alone["mcnemar_p"] == pytest.approx(2 * 0.5**10, rel=1e-5)  # ten images, all lost
    assert four["ours"] == "2 runs of null_model, averaged"


def test_the_most_accurate_arm_is_named_though_the_paper_has_it_not(tmp_path: Path) -> None:
    params = with_arms(make_params([0], "cpu", "real"), {"null_model": {"classifier": "null_model"}})
    add_run(tmp_path, "resnet50", 0, 30)
    add_run(tmp_path, "null_model", 0, 40)
    first, _ = sentences(Evidence(tmp_path, params).runs, params, PAPER)
    assert f"so far is null_model ({PAPER.purposes['null_model']}): " in first


def test_drawn_faces_are_held_against_no_printed_figure(tmp_path: Path) -> None:
    add_run(tmp_path, "resnet50", 0, 40)
    add_run(tmp_path, "resnet50-dcgan", 0, 40)
    made = section(Evidence(tmp_path, make_params([0])), Album(tmp_path, draw=False))
    assert made.values["drawn"]
    assert "difference_points" not in made.numbers["quoted"]["seven networks together"]


def test_a_member_that_has_not_run_is_named(tmp_path: Path) -> None:
    for seed in (0, 2):
        add_run(tmp_path, "resnet50", seed, 40 + seed)
    made = ensembles(Evidence(tmp_path, make_params([0, 1, 2])))
    assert [(one.name, one.members, one.not_run) for one in made] == [
        ("resnet50", ("resnet50-0", "resnet50-2"), ("resnet50-1",))
    ]


def test_one_training_twice_or_other_images_are_named(tmp_path: Path) -> None:
    for arm in ("resnet50", "resnet50-dcgan"):
        add_run(tmp_path, arm, 0, 40)
    path = tmp_path / "predictions" / "resnet50-dcgan-0.parquet"
    shutil.copy(tmp_path / "predictions" / "resnet50-0.parquet", path)
    evidence = Evidence(tmp_path, make_params([0]))
    with pytest.raises(UserError, match="resnet50-0 and resnet50-dcgan-0 are one and the same training"):
        ensembles(evidence)
    add_run(tmp_path, "resnet50-dcgan", 0, 40, prefix="other")
    with pytest.raises(UserError, match=r"not those of resnet50-0\.parquet"):
        ensembles(Evidence(tmp_path, make_params([0])))


def validated(folder: Path, *runs: str) -> None:
    """Let runs say of validation what they say of the test images."""
    for name in runs:
        one = predictions.read(folder / "predictions" / f"{name}.parquet")
        predictions.write(folder / "valid" / f"{name}.parquet", replace(one, split="valid"))


def test_what_picks_on_test_or_is_judged_by_validation_is_kept_from_it(tmp_path: Path) -> None:
    params = with_arms(make_params([0]), {"picked": {"select_on": "test"}})
    for arm, right in (("resnet50", 40), ("resnet50-dcgan", 45), ("picked", 60), ("svm", 30)):
        add_run(tmp_path, arm, 0, right)
    validated(tmp_path, "resnet50-0", "resnet50-dcgan-0", "svm-0", "picked-0")
    made = ensembles(Evidence(tmp_path, params))
    assert {one.name: one.members for one in made} == {
        NETWORKS: ("resnet50-0", "resnet50-dcgan-0"),
        ALL: ("resnet50-0", "resnet50-dcgan-0", "svm-0"),
    }
    assert [one.rule for one in made] == ["average", "weighted", "stacked"] * 2
    judged = params.arms["resnet50"].model_copy(update={"select_on": "last", "tests": ["test", "valid"]})
    params = params.model_copy(update={"arms": params.arms | {"resnet50": judged}})
    assert {one.rule for one in ensembles(Evidence(tmp_path, params))} == {"average"}


def test_the_best_member_is_the_one_that_validation_puts_first(tmp_path: Path) -> None:
    for seed, right in enumerate((40, 30)):
        add_run(tmp_path, "resnet50", seed, right)
    evidence = Evidence(tmp_path, make_params([0, 1]))
    (made,) = ensembles(evidence)
    assert made.best == "resnet50-0"  # both have the same accuracy there: the first
    assert made.mean == pytest.approx(35 / 70)
    path = tmp_path / "selection" / "resnet50-1.json"
    path.write_text(path.read_text().replace('"valid_accuracy": 0.5', '"valid_accuracy": 0.75'))
    (made,) = ensembles(Evidence(tmp_path, make_params([0, 1])))
    assert made.best == "resnet50-1"
    assert made.against_best is not None
    assert made.against_best.lost == 0
    path.unlink()
    (made,) = ensembles(Evidence(tmp_path, make_params([0, 1])))
    assert (made.best, made.against_best) == (None, None)
    assert np.isfinite(made.accuracy.low)
