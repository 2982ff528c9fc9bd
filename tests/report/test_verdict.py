"""Verdicts on built budgets of known accuracy, and what must never be decided."""

from pathlib import Path

import numpy as np
import pytest

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.evaluation.predictions import Predictions, write
from ferlab.params import Params
from ferlab.records.quality import Estimate
from ferlab.report import paper
from ferlab.report.evidence import Evidence
from ferlab.report.finding import finding
from ferlab.report.verdict import FAILS, HOLDS, OPEN, Verdict, judge
from reports import class_quality, make_params, quality_of

IMAGES = 2000
AS_PRINTED = {row.arm: row.percent / 100 for row in paper.TABLE1}


def fill(folder: Path, accuracies: dict[str, float], seeds: int = 3, spread: float = 1) -> None:
    """Predictions of each arm whose accuracy is known, but for a spread of some images between seeds."""
    truth, rng = np.arange(IMAGES) % 7, np.random.default_rng(2)
    for number, (arm, accuracy) in enumerate(accuracies.items()):
        for seed in range(seeds):
            right = round(IMAGES * accuracy + spread * rng.normal())
            chosen = np.where(np.arange(IMAGES) < right, truth, (truth + 1) % 7)
            probabilities = np.full((IMAGES, 7), 0.05)
            probabilities[np.arange(IMAGES), chosen] = 0.7
            said = Predictions(tuple(map(str, range(IMAGES))), truth, probabilities, f"{number:08x}{seed:08x}")
            write(folder / "predictions" / f"{arm}-{seed}.parquet", said)


def verdicts(folder: Path, params: Params | None = None) -> dict[str, Verdict]:
    params = params or make_params([0, 1, 2], "paper", "real", whole_table=True)
    return {verdict.claim.key: verdict for verdict in judge(Evidence(folder, params))}


def words(found: dict[str, Verdict]) -> dict[str, str]:
    return {claim.key: found[claim.key].word for claim in paper.ORDERS}


def test_the_papers_own_accuracies_with_small_spread_hold_every_claim(tmp_path: Path) -> None:
    fill(tmp_path, AS_PRINTED, spread=1)
    found = verdicts(tmp_path)
    assert set(words(found).values()) == {HOLDS}
    main = found["dcgan_lifts_resnet50"]
    assert main.differences[0]
    assert main.differences[0].mean == pytest.approx(0.0747, abs=0.002)
    assert "the paper +7.47" in main.why
    assert main.numbers()["differences"]["resnet50-dcgan - resnet50"]["seeds"] == 3


def test_equal_accuracies_fail_the_claims_of_gain(tmp_path: Path) -> None:
    """A spread of some hundredths of a point rules a gain of one point out."""
    fill(tmp_path, dict.fromkeys(AS_PRINTED, 0.6), spread=0.7)
    found = words(verdicts(tmp_path))
    assert HOLDS not in found.values()
    lifts = [word for key, word in found.items() if "lifts" in key]
    assert lifts == [FAILS] * 4


def test_the_wrong_order_fails(tmp_path: Path) -> None:
    fill(tmp_path, AS_PRINTED | {"dfsvm": 0.60, "resnet50-dcgan": 0.64}, spread=1)
    found = words(verdicts(tmp_path))
    assert found["dfsvm_is_lowest"] == FAILS  # lower than most, but not than VGG-16
    assert found["dcgan_beats_wgan"] == FAILS  # with ResNET-50; with VGG-16 it would hold
    assert found["dcgan_lifts_vgg16"] == HOLDS


def test_a_spread_as_large_as_the_gain_decides_nothing(tmp_path: Path) -> None:
    fill(tmp_path, AS_PRINTED, spread=200)
    found = verdicts(tmp_path)
    assert found["dcgan_lifts_resnet50"].word == OPEN
    assert "neither above 0" in found["dcgan_lifts_resnet50"].why


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_decide_nothing(tmp_path: Path, seeds: int) -> None:
    fill(tmp_path, AS_PRINTED, seeds)
    found = verdicts(tmp_path, make_params(list(range(seeds)), "paper", "real", whole_table=True))
    assert set(words(found).values()) == {OPEN}
    assert "fewer than 3 decide nothing" in found["dcgan_lifts_resnet50"].why


def test_a_missing_seed_leaves_its_arms_claims_undecided(tmp_path: Path) -> None:
    """No verdict on the seeds that happen to be there, however many."""
    fill(tmp_path, AS_PRINTED, spread=1)
    (tmp_path / "predictions" / "resnet50-dcgan-1.parquet").unlink()
    found = verdicts(tmp_path)
    assert found["dcgan_lifts_resnet50"].word == found["dcgan_beats_wgan"].word == OPEN
    assert "seed 1 of resnet50-dcgan is missing" in found["dcgan_lifts_resnet50"].why
    assert found["dcgan_lifts_vgg16"].word == HOLDS


def test_an_arm_that_was_not_run_is_named(tmp_path: Path) -> None:
    fill(tmp_path, {arm: value for arm, value in AS_PRINTED.items() if arm != "dfsvm"})
    found = verdicts(tmp_path)
    assert found["dfsvm_is_lowest"].word == OPEN
    assert "not run: dfsvm" in found["dfsvm_is_lowest"].why
    told = finding(Evidence(tmp_path, make_params([0, 1, 2], "paper", "real", whole_table=True)))
    assert "3 not decided, 1 of them for want of a run." in told  # the other two are about images


def test_seeds_that_do_not_vary_decide_nothing(tmp_path: Path) -> None:
    fill(tmp_path, AS_PRINTED, spread=0)
    assert "the same in every seed" in verdicts(tmp_path)["dcgan_lifts_resnet50"].why


def test_drawn_faces_decide_nothing(tmp_path: Path) -> None:
    fill(tmp_path, AS_PRINTED, spread=1)
    found = verdicts(tmp_path, make_params([0, 1, 2], "demo", "demo", whole_table=True))
    assert {verdict.word for verdict in found.values()} == {OPEN}


def put_quality(folder: Path, kid: dict[str, list[float]], collapsed: int = 0) -> None:
    families = {
        family: {
            name: class_quality(
                kid=Estimate(value=value, low=value - 1, high=value + 1), collapsed=family == "cgan" and i < collapsed
            )
            for i, (name, value) in enumerate(zip(CKPLUS_CLASSES, values, strict=True))
        }
        for family, values in kid.items()
    }
    quality_of(**families).write(folder / "quality.json")


LOW, HIGH = [0.1, 0.2, 0.1, 0.3, 0.2, 0.1, 0.2], [0.5, 0.7, 0.4, 0.9, 0.6, 0.3, 0.85]


@pytest.mark.parametrize(
    ("kid", "word"),
    [
        ({"wgan_gp": LOW, "dcgan": HIGH, "cgan": HIGH}, HOLDS),
        ({"wgan_gp": HIGH, "dcgan": LOW, "cgan": HIGH[::-1]}, FAILS),
        ({"wgan_gp": HIGH, "dcgan": HIGH[::-1], "cgan": HIGH[3:] + HIGH[:3]}, OPEN),
        ({"wgan_gp": LOW, "dcgan": HIGH}, OPEN),
    ],
)
def test_the_best_images(tmp_path: Path, kid: dict[str, list[float]], word: str) -> None:
    put_quality(tmp_path, kid)
    assert verdicts(tmp_path)["wgan_images_are_best"].word == word


@pytest.mark.parametrize(("collapsed", "word"), [(7, HOLDS), (4, HOLDS), (3, FAILS), (0, FAILS)])
def test_collapse_is_counted_by_expression(tmp_path: Path, collapsed: int, word: str) -> None:
    put_quality(tmp_path, {"cgan": LOW}, collapsed)
    assert verdicts(tmp_path)["cgan_collapsed"].word == word
