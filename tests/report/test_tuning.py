"""What the report says of a search: whether its trials rank anything at all."""

from pathlib import Path

import pandas as pd
import pytest

from ferlab.params import SuccessiveHalving
from ferlab.params.migration import load_published
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album
from ferlab.report.render import build
from ferlab.report.sections import tuning
from ferlab.report.sections.tuning import Search
from reports import ROOT

MAJORITY = 0.2494  # PublicTest's share of happy


def search(*values: float) -> Search:
    return Search(pd.DataFrame({"number": range(len(values)), "value": values, "state": "COMPLETE"}), None, MAJORITY)


@pytest.mark.parametrize(
    ("values", "ranks"),
    [((0.2494, 0.2775, 0.2014), False), ((0.2494, 0.31), True), ((float("nan"), 0.2494), False)],
)
def test_trials_near_the_commonest_class_rank_nothing(values: tuple[float, ...], ranks: bool) -> None:
    assert search(*values).ranks is ranks


@pytest.mark.parametrize("name", ["resnet50", "vgg16"])
def test_the_searches_of_the_cpu_report_rank_nothing_and_name_no_importances(name: str, tmp_path: Path) -> None:
    """Recorded: trials of 19% to 28% where always "happy" has 24.94%, and shares of variance named from them."""
    folder = ROOT / "reports" / "cpu"
    evidence = Evidence(folder, load_published(folder / "params.yaml"))
    record = evidence.search(name)
    assert record and record.importances
    said = tuning.section(evidence, Album(tmp_path, draw=False)).numbers[name]
    assert (said["ranks"], said["importances"], said["majority"]) == (False, {}, 0.249373)


def test_the_page_says_so(tmp_path: Path) -> None:
    """And by which rule trials were stopped, and on which images they were scored, where that isn't the usual."""
    folder = ROOT / "reports" / "cpu"
    params = load_published(folder / "params.yaml")
    pruner = SuccessiveHalving(kind="successive_halving", min_epochs=4, reduction=2)
    params = params.model_copy(
        update={"tune": params.tune.model_copy(update={"pruner": pruner, "held_out": 0.1, "epochs": 6})}
    )
    page = build(folder, params, into=tmp_path, draw=False).read_text(encoding="utf-8")
    assert "Optuna scores its trials on 10% of the training split, held out from its trials." in page
    assert "stopped early (all but the best 1/2 after epoch 4, and again after 2 times as many), at the" in page
    assert page.count("This search ranks nothing:") == 2
    assert "No arm here uses this search" not in page
    assert "resnet50, 12 trials of 12 planned (this report" in page
    assert "params.yaml says 8, because it was changed later)" in page
    assert "vgg16, 8 trials of 8 planned: " in page


def test_where_no_arm_that_ran_is_tuned_nothing_was_chosen(tmp_path: Path) -> None:
    folder = ROOT / "reports" / "gpu"
    page = build(folder, load_published(folder / "params.yaml"), into=tmp_path, draw=False).read_text(encoding="utf-8")
    said = page[page.index('id="tuning"') : page.index('id="data"')]
    assert "<p>No arm here uses this search. Their settings were fixed beforehand.</p>" in said
    assert "chosen" not in said


def test_without_an_audit_nothing_is_refused() -> None:
    assert Search(pd.DataFrame({"value": [0.2]}), None).ranks
