"""Which arms stand in Table 1: those at the setting that the paper states, where a budget runs them all."""

from pathlib import Path

import pytest

from ferlab.params import Params
from ferlab.params.budgets import with_budget
from ferlab.report import tables
from ferlab.report.evidence import Evidence
from ferlab.report.finding import finding, reasons
from ferlab.report.page import Album
from ferlab.report.render import build
from ferlab.report.rows import main_arms, orders_of, rows_of
from ferlab.report.sections import settings
from ferlab.report.verdict import judge
from reports import PAPER, ROOT, add_rest, add_run

OURS = ["dfsvm", "vgg16", "resnet50", "vgg16-dcgan", "vgg16-wgan_gp", "resnet50-dcgan", "resnet50-wgan_gp"]
STATED = [
    "dfsvm", "vgg16-paper", "resnet50-paper", "vgg16-paper-dcgan", "vgg16-paper-wgan_gp", "resnet50-paper-dcgan",
    "resnet50-paper-wgan_gp",
]  # fmt: skip


def of_budget(name: str, without: str | None = None) -> Params:
    """A budget's parameters for real faces."""
    _, params = with_budget(ROOT, name)
    arms = {arm: source for arm, source in params.run.arms.items() if arm != without}
    data, run = params.data.model_copy(update={"kind": "real"}), params.run.model_copy(update={"arms": arms})
    return params.model_copy(update={"data": data, "run": run})


@pytest.mark.parametrize(
    ("budget", "arms"),
    [("demo", OURS), ("trial", OURS), ("cpu", OURS), ("gpu", OURS), ("design", OURS), ("paper", STATED)],
)
def test_rows_of_each_budget(budget: str, arms: list[str]) -> None:
    rows = rows_of(of_budget(budget), PAPER)
    assert [row.arm for row in rows] == arms
    assert [(row.model, row.percent) for row in rows] == [(row.model, row.percent) for row in PAPER.rows]


def test_a_table_never_mixes_two_settings() -> None:
    params = of_budget("paper", without="vgg16-paper-wgan_gp")
    assert [row.arm for row in rows_of(params, PAPER)] == OURS
    assert main_arms(params, PAPER) == ("resnet50-dcgan", "resnet50")


def test_what_stands_for_a_row_changes_nothing_but_classifier_and_search() -> None:
    """The same images, policy, steps and splits as our own arm of the row; the same network."""
    params = of_budget("paper")
    for ours, stated in zip(OURS[1:], STATED[1:], strict=True):
        one, other = params.arms[ours], params.arms[stated]
        assert other == one.model_copy(update={"classifier": f"{one.classifier}-paper", "tuned": False})
        networks = [params.plain(f"classifiers.{arm.classifier}.network") for arm in (one, other)]
        assert networks[0] == networks[1]


def test_claims_and_verdicts_are_of_the_rows(tmp_path: Path) -> None:
    params = of_budget("paper")
    for seed in params.run.seeds:
        for arm, right in (("resnet50-paper", 40), ("resnet50-paper-dcgan", 50), ("resnet50", 60)):
            add_run(tmp_path, arm, seed, right + seed * (1 + (arm == "resnet50")))
    add_run(tmp_path, "resnet50-dcgan", 0, 20)
    add_rest(tmp_path, params)
    evidence = Evidence(tmp_path, params)
    table = tables.table1(evidence).set_index("arm")
    assert list(table.index) == STATED
    assert table.loc["resnet50-paper", "ours_percent"] == pytest.approx(100 * 41 / 70, abs=1e-5)
    assert "resnet50" in set(tables.controls(evidence)["arm"])
    assert not set(STATED) & set(tables.controls(evidence)["arm"])
    orders = orders_of(params, PAPER)
    claims = [verdict.claim for verdict in judge(evidence)]
    assert sorted(claims, key=lambda claim: claim.key) == sorted(
        [*orders, *PAPER.image_claims], key=lambda claim: claim.key
    )
    assert {row.arm for claim in orders for pair in claim.pairs for row in pair} == set(STATED)
    assert "+14.29" in " ".join(finding(evidence))  # 10 of 70, and not the 40 that our own setting lost
    assert any("+14.29" in reason or "No control" in reason for reason in reasons(evidence))
    page = build(tmp_path, params, draw=False).read_text(encoding="utf-8")
    assert "Our arms here use the setting that the paper states" in page
    beside = {
        one.classifier: one.rows for one in settings.section(evidence, Album(tmp_path, draw=False)).values["settings"]
    }
    assert ("lr", "1e-4", "0.0001") in beside["resnet50-paper"]
    assert ("lr", "1e-4", "0.1") in beside["resnet50"]
