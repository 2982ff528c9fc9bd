"""Chains of controls add up; accuracy without leaked copies leaves just them out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ferlab.errors import UserError
from ferlab.evaluation.contrast import contrast
from ferlab.evaluation.power import Design, chances, smallest_gain
from ferlab.params import Params
from ferlab.records.plan import ArmSummary
from ferlab.report.design import measured
from ferlab.report.differences import difference, paired_difference
from ferlab.report.evidence import Evidence
from ferlab.report.gains import chains
from ferlab.report.page import Album
from ferlab.report.render import build
from ferlab.report.sections import copies, power
from reports import N, add_rest, add_run, make_params, with_arms

PARAMS = make_params([0, 1, 2], "trial", "real")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for arm, rights in {
        "resnet50": (40, 41, 43),
        "resnet50-steps": (44, 43, 47),
        "resnet50-dcgan": (46, 48, 47),
    }.items():
        for seed, right in enumerate(rights):
            add_run(tmp_path, arm, seed, right)
    return tmp_path


def test_links_add_up_to_the_whole_gain(folder: Path) -> None:
    (chain,) = chains(Evidence(folder, PARAMS))
    assert [(link.before, link.arm) for link in chain.links] == [
        ("resnet50", "resnet50-steps"),
        ("resnet50-steps", "resnet50-dcgan"),
    ]
    assert [link.says for link in chain.links] == ["more steps", "more images of any kind + CK+ itself + the GAN"]
    assert chain.whole
    total = np.sum([link.difference.mean for link in chain.links if link.difference])
    assert total == pytest.approx(chain.whole.mean) == pytest.approx(17 / 3 / N)


def says(folder: Path, params: Params = PARAMS) -> list[str]:
    (chain,) = (chain for chain in chains(Evidence(folder, params)) if chain.target == "resnet50-dcgan")
    return [link.says for link in chain.links]


def set_arm(folder: Path, arm: str, **update: int) -> None:
    path = folder / "arms" / f"{arm}.json"
    ArmSummary.read(path).model_copy(update=update).write(path)


def test_a_control_with_other_steps_is_no_control(folder: Path) -> None:
    add_rest(folder, PARAMS)
    set_arm(folder, "resnet50", steps=50)
    assert says(folder) == ["more steps", "more images of any kind + CK+ itself + the GAN"]
    set_arm(folder, "resnet50-steps", steps=67)
    assert says(folder) == ["more steps + more images of any kind + CK+ itself + the GAN"]


def test_where_the_plain_arm_makes_as_many_steps_they_are_no_part_of_the_gain(folder: Path) -> None:
    add_rest(folder, PARAMS)
    (folder / "predictions" / "resnet50-steps-0.parquet").unlink()
    (folder / "predictions" / "resnet50-steps-1.parquet").unlink()
    (folder / "predictions" / "resnet50-steps-2.parquet").unlink()
    assert says(folder) == ["more images of any kind + CK+ itself + the GAN"]


def test_ckplus_is_a_link_only_if_it_adds_as_many_images(folder: Path) -> None:
    """Its 927 frames beside 6,000 of a GAN are another amount, not another kind."""
    names = ("resnet50-oversampled", "resnet50-ckplus")
    params = with_arms(PARAMS, {names[0]: {"oversample_to": "resnet50-dcgan"}, names[1]: {"synthetic": "ckplus"}})
    add_rest(folder, params)
    set_arm(folder, "resnet50", steps=50)
    set_arm(folder, names[1], added_images=93)
    for name in names:
        for seed, right in enumerate((44, 45, 46)):
            add_run(folder, name, seed, right)
    assert says(folder, params) == ["more steps", "more images of any kind", "CK+ itself + the GAN"]


def test_three_runs_that_agree_by_luck_get_the_spread_of_all_arms(folder: Path) -> None:
    """The plain paired t of the two that agree stands beside it."""
    params = with_arms(PARAMS, {"resnet50-oversampled": {"oversample_to": "resnet50-dcgan"}})
    for seed, right in enumerate((41, 42, 45)):
        add_run(folder, "resnet50-oversampled", seed, right)
    evidence = Evidence(folder, params)
    plain = paired_difference(evidence, "resnet50-oversampled", "resnet50")
    common = difference(evidence, "resnet50-oversampled", "resnet50")
    assert plain
    assert common
    assert plain.mean == common.mean
    assert common.df == 3 * 2
    assert common.high - common.low > 0.01


def leaks(folder: Path, ids: list[str]) -> None:
    table = pd.DataFrame({"id": ids})
    table["copy_in_train"] = [i < 10 for i in range(len(ids))]
    table["near_copy_in_train"] = [i < 20 for i in range(len(ids))]
    table.to_csv(folder / "test_images.csv", index=False)


def test_accuracy_without_leaked_copies(folder: Path) -> None:
    """The first ten images are copies, and were all answered rightly."""
    leaks(folder, [f"t{i}" for i in range(N)])
    told = copies.section(Evidence(folder, PARAMS), Album(folder, draw=False)).numbers["resnet50"]
    mean = (40 + 41 + 43) / 3
    assert told["all"] == pytest.approx(100 * mean / N, abs=1e-5)
    assert told["without_exact"] == pytest.approx(100 * (mean - 10) / (N - 10), abs=1e-5)
    assert told["without_near"] == pytest.approx(100 * (mean - 20) / (N - 20), abs=1e-5)
    assert (told["left_exact"], told["left_near"]) == (N - 10, N - 20)


def test_gains_without_leaked_copies_have_intervals(folder: Path) -> None:
    """Copies that all runs get right make a gain look smaller, by the share that they have."""
    leaks(folder, [f"t{i}" for i in range(N)])
    evidence = Evidence(folder, PARAMS)
    whole = difference(evidence, "resnet50-dcgan", "resnet50")
    assert whole
    told = copies.section(evidence, Album(folder, draw=False)).numbers["gains"]["resnet50-dcgan - resnet50"]
    for key, value in {"points": whole.mean, "low": whole.low, "high": whole.high}.items():
        assert told[key] == pytest.approx(100 * value * N / (N - 10), abs=1e-3)


def test_the_page_says_what_its_own_design_could_have_found(folder: Path) -> None:
    evidence = Evidence(folder, PARAMS)
    made = power.section(evidence, Album(folder, draw=False))
    spread = measured(evidence)
    assert spread
    assert (spread.arms, spread.blocks) == (3, 3)
    design = Design(spread.sd, 3, 3)
    assert made.numbers["smallest_points"] == pytest.approx(100 * smallest_gain(design), abs=0.01)
    assert made.numbers["chances"][-1]["holds"] == pytest.approx(chances(design, 0.02).holds, abs=1e-4)
    html = build(folder, PARAMS, draw=False).read_text(encoding="utf-8")
    assert "What this budget can find" in html
    assert f"<b>{100 * smallest_gain(design):.1f} points</b>" in html
    assert "No verdict is possible here" in html


def test_chains_without_a_run_are_folded_and_counted(folder: Path) -> None:
    params = make_params([0, 1, 2], "trial", "real", whole_table=True)
    html = build(folder, params, draw=False).read_text(encoding="utf-8")
    said = html[html.index('id="gains"') : html.index('id="power"')]
    shown, _, folded = said.partition("<details><summary>3 chains whose ")
    assert (shown.count("<table>"), folded.count("<table>")) == (1, 3)
    assert "to <code>resnet50-dcgan</code>" in shown


def test_where_repeated_images_have_run_a_verdict_is_possible(folder: Path) -> None:
    params = with_arms(PARAMS, {"resnet50-oversampled": {"oversample_to": "resnet50-dcgan"}})
    for seed, right in enumerate((41, 42, 45)):
        add_run(folder, "resnet50-oversampled", seed, right)
    html = build(folder, params, draw=False).read_text(encoding="utf-8")
    assert "points</b> more than repeated real images" in html
    assert "No verdict is possible here" not in html


def test_images_that_the_audit_does_not_know_are_refused(folder: Path) -> None:
    leaks(folder, [f"t{i}" for i in range(N - 1)])
    with pytest.raises(UserError, match=r"1 predicted images are not in test_images\.csv, such as t69"):
        copies.section(Evidence(folder, PARAMS), Album(folder, draw=False))


def test_contrast_names_what_flips_and_in_how_many_seeds(folder: Path) -> None:
    runs = Evidence(folder, PARAMS).runs
    result = contrast(runs["resnet50"], runs["resnet50-dcgan"], ("resnet50", "resnet50-dcgan"))
    assert [(pair.lost, pair.won) for pair in result.pairs] == [(0, 6), (0, 7), (0, 4)]
    assert result.difference
    assert result.difference.mean == pytest.approx(17 / 3 / N)
    assert {flip.id: flip.won for flip in result.images} == {
        "t40": 1, "t41": 2, "t42": 2, "t43": 3, "t44": 3, "t45": 3, "t46": 2, "t47": 1,
    }  # fmt: skip
    with pytest.raises(UserError, match="no seed in common"):
        contrast({0: runs["resnet50"][0], 1: runs["resnet50"][1]}, {2: runs["resnet50"][2]}, ("a", "b"))
