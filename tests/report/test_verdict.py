"""Verdicts on built budgets of known accuracy, and what must never be decided."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.evaluation.judgement import FAILS, HOLDS, OPEN
from ferlab.evaluation.power import Design, smallest_gain
from ferlab.evaluation.predictions import Predictions, read, write
from ferlab.params import Params
from ferlab.records.plan import ArmSummary
from ferlab.records.quality import Estimate
from ferlab.report.design import measured
from ferlab.report.differences import difference, interval
from ferlab.report.evidence import Evidence
from ferlab.report.finding import finding
from ferlab.report.render import build
from ferlab.report.sections.claims import main_spreads
from ferlab.report.sections.table1 import printed
from ferlab.report.verdict import Verdict, judge
from reports import PAPER, add_rest, class_quality, make_params, quality_of

IMAGES = 2000
AS_PRINTED = {row.arm: row.percent / 100 for row in PAPER.rows}
AS_PRINTED |= {f"{network}-oversampled": AS_PRINTED[network] for network in ("resnet50", "vgg16")}


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


def changed(params: Params, name: str, **values: object) -> Params:
    """The same with an arm that differs."""
    return params.model_copy(update={"arms": params.arms | {name: params.arms[name].model_copy(update=values)}})


def words(found: dict[str, Verdict]) -> dict[str, str]:
    return {claim.key: found[claim.key].word for claim in PAPER.claims}


def test_the_papers_own_accuracies_with_small_spread_hold_every_claim(tmp_path: Path) -> None:
    fill(tmp_path, AS_PRINTED, spread=1)
    found = verdicts(tmp_path)
    assert set(words(found).values()) == {HOLDS}
    main = found["dcgan_lifts_resnet50"]
    assert main.differences[0]
    assert main.differences[0].mean == pytest.approx(0.0747, abs=0.002)
    numbers = main.numbers()
    assert numbers["differences"]["resnet50-dcgan - resnet50-oversampled"]["seeds"] == 3
    assert (numbers["family"], numbers["printed"], numbers["printed_is"], numbers["apart"]) == (
        "primary", 7.47, "compatible", 0.0,
    )  # fmt: skip
    assert [verdict.primary for verdict in found.values()] == [True, True, *[False] * 7]


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
    assert told[-1] == "The paper's 7 other claims: 4 found to hold, 0 found not to hold, 3 not decided."


def test_a_primary_claim_that_was_not_tried_counts_among_the_others(tmp_path: Path) -> None:
    """The first screen names only what has been measured."""
    fill(tmp_path, {arm: value for arm, value in AS_PRINTED.items() if "wgan" not in arm})
    told = finding(Evidence(tmp_path, make_params([0, 1, 2], "paper", "real", whole_table=True)))
    assert told[-1].startswith("The paper's 8 other claims: ")
    assert "WGAN-GP" not in " ".join(told)


def test_table_1_says_what_became_of_the_printed_gain_as_the_claims_do(tmp_path: Path) -> None:
    fill(tmp_path, AS_PRINTED | {"resnet50-dcgan": 0.645}, spread=2)
    params = make_params([0, 1, 2], "paper", "real", whole_table=True)
    assert printed(Evidence(tmp_path, params)) == {
        "resnet50-dcgan": "the paper's +7.47: ruled out",
        "resnet50-wgan_gp": "the paper's +4.88: compatible",
    }
    page = build(tmp_path, params, draw=False).read_text(encoding="utf-8")
    assert "<b>the paper&#39;s +7.47: ruled out</b>" in page[page.index('id="table1"') : page.index('id="claims"')]
    assert "the paper&#39;s +7.47 is ruled out, by " in page


JARGON = re.compile(r"resnet50|vgg16|_|Holm|\bp [=<]|verdict|arm\b|control|equivalen|TOST")


def test_the_first_screen_rules_the_papers_size_out_and_says_what_real_faces_give(tmp_path: Path) -> None:
    """In words without an arm's name, a p-value or a term of statistics."""
    scores = dict.fromkeys(AS_PRINTED, 0.6) | {"resnet50-dcgan": 0.61, "resnet50-oversampled": 0.6095}
    fill(tmp_path, scores, spread=4)
    params = make_params([0, 1, 2], "paper", "real", whole_table=True)
    told = finding(Evidence(tmp_path, params))
    found = verdicts(tmp_path, params)["dcgan_lifts_resnet50"]
    evidence = Evidence(tmp_path, params)
    repeated = interval(difference(evidence, "resnet50-oversampled", "resnet50"))
    ours = interval(found.over_plain)
    assert told[0] == (
        f"The paper's +7.47 points with DCGAN's images are ruled out at this budget: we measure {ours}. "
        f"Repeating as many of FER-2013's own images, for as many steps, gives {repeated}."
    )
    assert told[1].startswith(f"What is left for DCGAN's images, {interval(found.differences[0])}, ")
    assert "All runs share one GAN of each kind, so this applies to that GAN's images only." in told
    assert not JARGON.search(" ".join(told))


def test_without_a_reference_the_first_screen_says_so_and_names_the_steps(tmp_path: Path) -> None:
    fill(tmp_path, dict.fromkeys(AS_PRINTED, 0.6) | {"resnet50-steps": 0.605}, spread=2)
    params = make_params([0, 1, 2], "paper", "real", whole_table=True)
    del params.run.arms["resnet50-oversampled"]
    evidence = Evidence(tmp_path, params)
    told, steps = finding(evidence), interval(difference(evidence, "resnet50-steps", "resnet50"))
    assert told[0].endswith(f". As many steps on real faces alone give {steps}.")
    assert told[1] == (
        "Whether DCGAN's images themselves help can't be judged: there is no run with as many steps on as many real "
        "images."
    )
    assert not JARGON.search(" ".join(told))


def test_an_open_verdict_says_what_could_have_been_found(tmp_path: Path) -> None:
    fill(tmp_path, dict.fromkeys(AS_PRINTED, 0.6), spread=30)
    params = make_params([0, 1, 2], "paper", "real", whole_table=True)
    evidence = Evidence(tmp_path, params)
    spread = measured(evidence)
    assert spread
    smallest = 100 * smallest_gain(Design(spread.sd, 5, 3))
    limit = f"only a gain of {smallest:.1f} points or more would be found four times out of five."
    assert f"With 3 runs of each kind that vary as much as these, {limit}" in finding(evidence)


def test_images_are_judged_against_repeated_ones_and_their_size_against_the_plain_arm(tmp_path: Path) -> None:
    """What steps and balance give is no gain of the images, and the printed gain is over the plain arm all the same."""
    fill(tmp_path, AS_PRINTED | {"resnet50-oversampled": 0.7175}, spread=0.7)
    found = verdicts(tmp_path)["dcgan_lifts_resnet50"]
    assert (found.word, found.pairs) == (FAILS, (("resnet50-dcgan", "resnet50-oversampled"),))
    assert found.size
    assert not found.size.ruled_out
    assert found.equivalence
    assert found.equivalence.margin == 0.005
    assert found.numbers()["practically_nothing_within"] == 0.5


def test_without_a_reference_the_size_alone_is_judged(tmp_path: Path) -> None:
    fill(tmp_path, dict.fromkeys(AS_PRINTED, 0.6), spread=0.7)
    params = make_params([0, 1, 2], "paper", "real", whole_table=True)
    del params.run.arms["resnet50-oversampled"]
    found = verdicts(tmp_path, params)["dcgan_lifts_resnet50"]
    assert (found.word, found.differences, found.equivalence) == (OPEN, (), None)
    assert "only the size is judged" in found.why
    assert found.size
    assert found.size.ruled_out
    assert found.over_plain
    assert found.size.apart == pytest.approx(0.0747 - found.over_plain.high)


def test_a_reference_with_other_steps_or_counts_is_none(tmp_path: Path) -> None:
    params = make_params([0, 1, 2], "paper", "real", whole_table=True)
    fill(tmp_path, AS_PRINTED)
    add_rest(tmp_path, params)
    assert verdicts(tmp_path, params)["wgan_lifts_resnet50"].pairs == (("resnet50-wgan_gp", "resnet50-oversampled"),)
    path = tmp_path / "arms" / "resnet50-oversampled.json"
    summary = ArmSummary.read(path)
    for update in ({"steps": 67}, {"added_images": 599}):
        summary.model_copy(update=update).write(path)
        assert verdicts(tmp_path, params)["wgan_lifts_resnet50"].pairs == ()
    summary.write(path)
    fewer = changed(params, "resnet50-wgan_gp", synthetic_per_class=50)
    assert verdicts(tmp_path, fewer)["wgan_lifts_resnet50"].pairs == ()


def test_publictest_judges_only_where_it_chose_nothing(tmp_path: Path) -> None:
    fill(tmp_path, AS_PRINTED)
    for path in (tmp_path / "predictions").iterdir():
        said = read(path)
        ids = tuple(f"valid{name}" for name in said.ids)
        write(tmp_path / "valid" / path.name, replace(said, ids=ids, split="valid"))
    params = make_params([0, 1, 2], "paper", "real", whole_table=True)
    for name in params.arms:
        params = changed(params, name, tests=["test", "valid"], select_on="last", held_out=0.1)
    found = verdicts(tmp_path, params)
    assert (found["dcgan_lifts_resnet50"].word, found["wgan_lifts_resnet50"].word) == (HOLDS, HOLDS)
    for key, value in {"held_out": 0.0, "select_on": "valid", "tuned": True}.items():
        found = verdicts(tmp_path, changed(params, "resnet50-dcgan", **{key: value}))
        assert "PublicTest, which was used to choose" in str(found["dcgan_lifts_resnet50"].size_gap)
    apart = params.model_copy(update={"tune": params.tune.model_copy(update={"held_out": 0.1})})
    found = verdicts(tmp_path, changed(apart, "resnet50-dcgan", tuned=True))
    assert "PublicTest, which was used to choose" not in str(found["dcgan_lifts_resnet50"].size_gap)


def test_there_is_no_verdict_before_the_last_planned_block(tmp_path: Path) -> None:
    """Seven of eight say nothing, however clear they are."""
    params = make_params(list(range(8)), "paper", "real", whole_table=True)
    fill(tmp_path, AS_PRINTED, seeds=7)
    assert {verdict.word for verdict in verdicts(tmp_path, params).values()} == {OPEN}
    assert "no verdict before the last planned block" in verdicts(tmp_path, params)["dcgan_lifts_resnet50"].why
    fill(tmp_path, AS_PRINTED, seeds=8)
    assert verdicts(tmp_path, params)["dcgan_lifts_resnet50"].word == HOLDS


def test_one_arm_more_changes_no_word_of_another_family(tmp_path: Path) -> None:
    """The primary claims are corrected for each other alone."""
    fill(tmp_path, AS_PRINTED | {"resnet50-dcgan": 0.66}, spread=8)
    params = make_params([0, 1, 2], "paper", "real", whole_table=True)
    before = verdicts(tmp_path, params)["dcgan_lifts_resnet50"].why
    for path in (tmp_path / "predictions").glob("vgg16*"):
        path.unlink()
    assert verdicts(tmp_path, params)["dcgan_lifts_resnet50"].why == before


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


def test_a_verdict_that_rests_on_the_shared_spread_says_so(tmp_path: Path) -> None:
    """Recorded: the reference varied by a point, all arms together by half of it, and the page didn't say so."""
    plain = dict.fromkeys(AS_PRINTED, 0.6) | {"resnet50-dcgan": 0.58}
    fill(tmp_path, plain, spread=2)
    fill(tmp_path, {"resnet50-oversampled": 0.6}, spread=60)
    params = make_params([0, 1, 2], "paper", "real", whole_table=True)
    found, evidence = verdicts(tmp_path, params)["dcgan_lifts_resnet50"], Evidence(tmp_path, params)
    (alone,) = found.beside
    assert alone
    assert (found.word, alone.high > 0.01) == (FAILS, True)
    (said,) = (one for one in finding(evidence) if one.startswith("What is left for DCGAN's images"))
    assert said.endswith(f"These runs alone, {interval(alone)}, don't show it: it rests on how much all runs vary.")
    assert not JARGON.search(said)
    arms = [arm for arm in evidence.runs if arm.startswith("resnet50")]
    accuracies = {arm: [run.correct.mean() for run in evidence.runs[arm].values()] for arm in arms}
    spreads = main_spreads(evidence)
    assert spreads
    assert spreads.most == ("resnet50-oversampled", pytest.approx(np.std(accuracies["resnet50-oversampled"], ddof=1)))
    assert spreads.least[1] == pytest.approx(min(np.std(own, ddof=1) for own in accuracies.values()))
    assert spreads.p == pytest.approx(stats.bartlett(*accuracies.values()).pvalue)
    fill(tmp_path, plain, spread=2)
    told = [one for one in finding(Evidence(tmp_path, params)) if one.startswith("What is left")]
    assert not any("alone" in one for one in told)
