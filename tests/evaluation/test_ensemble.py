"""Ensembles against closed forms, and on members that err differently or are too sure of themselves."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from ferlab.errors import UserError
from ferlab.evaluation import predictions
from ferlab.evaluation.ensemble import LEAST, RULES, STACKING_C, average, stacked, weighted, weights_on
from ferlab.evaluation.predictions import Predictions
from reports import ROOT

N = 350
TRUTH = np.arange(N) % 7


def run(name: str, probabilities: NDArray[np.float64] | None = None, seed: int = 0, skill: float = 1.0) -> Predictions:
    """Probabilities that are calibrated as drawn: the truth is one more draw of the same logits' noise."""
    if probabilities is None:
        logits = np.random.default_rng(seed).normal(size=(N, 7))
        logits[np.arange(N), TRUTH] += skill
        probabilities = softmax(logits, axis=1)
    return Predictions(tuple(f"image{i}" for i in range(N)), TRUTH, probabilities, name)


def accuracy(run: Predictions) -> float:
    return float(run.correct.mean())


def test_the_average_is_the_mean_whatever_the_order_of_rows() -> None:
    first, second = run("a"), run("b", seed=1)
    turned = second.only(np.ones(N, dtype=bool))
    turned = replace(turned, ids=second.ids[::-1], truth=second.truth[::-1], probabilities=second.probabilities[::-1])
    found = average({"a": first, "b": turned})
    np.testing.assert_allclose(found.probabilities, (first.probabilities + second.probabilities) / 2, atol=1e-15)
    assert found.ids == first.ids
    assert found.run not in ("a", "b")
    assert found.run == average({"b": second, "a": first}).run != average({"a": first, "c": run("c", seed=1)}).run


@pytest.mark.parametrize(
    ("arm", "percent"), [("resnet50", 65.20), ("resnet50-dcgan", 65.92), ("resnet50-steps", 65.87)]
)
def test_three_seeds_of_the_gpu_report(arm: str, percent: float) -> None:
    """As they were averaged by hand before there was this module."""
    folder = ROOT / "reports" / "gpu" / "predictions"
    members = {str(seed): predictions.read(folder / f"{arm}-{seed}.parquet") for seed in range(3)}
    assert round(100 * accuracy(average(members)), 2) == percent


def test_weights_undo_a_temperature() -> None:
    """Of a member and its own square, normalised: all weights w and v of equal w + 2v are the same product."""
    calm = run("a", skill=2.0)
    sure = run("b", calm.probabilities**2 / (calm.probabilities**2).sum(axis=1, keepdims=True))
    w, v = weights_on({"a": calm, "b": sure})
    alone = weights_on({"a": calm, "b": run("c", np.full((N, 7), 1 / 7))})
    assert w + 2 * v == pytest.approx(alone[0], abs=2e-3)


def test_weights_are_where_the_likelihood_is_flat() -> None:
    """And fall to zero, no lower, where it would go on rising below."""
    members = {"good": run("a", skill=2.0), "fair": run("b", seed=1), "wrong": run("c", seed=2, skill=-1.0)}
    found = weights_on(members)
    assert found[2] == 0
    assert found[0] > found[1] > 0
    logs = np.array([np.log(np.maximum(one.probabilities, LEAST)) for one in members.values()])

    def likelihood(weights: NDArray[np.float64]) -> float:
        pooled = softmax(np.einsum("m,mnc->nc", weights, logs), axis=1)
        return float(np.log(pooled[np.arange(N), TRUTH]).mean())

    for step in np.vstack([np.eye(3), -np.eye(3)[:2]]):
        assert likelihood(found + 0.01 * step) < likelihood(found)


def test_stacking_is_the_minimum_of_its_penalised_loss() -> None:
    """The probabilities that it gives to its own training rows satisfy the equations of the minimum.

    With the penalty 1/2 |W|^2 and C times the summed log loss, W = C sum over rows of (truth - p) x.
    """
    members = {"a": run("a", skill=1.5), "b": run("b", seed=1)}
    found = stacked(members, members)
    rows = np.hstack([np.log(np.maximum(one.probabilities, LEAST)) for one in members.values()])
    residual = np.eye(7)[TRUTH] - found.probabilities
    weights = STACKING_C * residual.T @ rows
    np.testing.assert_allclose(residual.sum(axis=0), 0, atol=1e-4)  # the intercepts carry no penalty
    left = np.log(found.probabilities) - rows @ weights.T  # the intercepts, but for a constant a row
    np.testing.assert_allclose(np.ptp(left - left[:, :1], axis=0), 0, atol=1e-3)


def test_stacking_rights_a_member_that_confuses_two_classes() -> None:
    mixed = run("a", skill=4.0)
    mixed = replace(mixed, probabilities=mixed.probabilities[:, [0, 1, 2, 4, 3, 5, 6]])
    members = {"a": mixed, "b": run("b", np.full((N, 7), 1 / 7))}
    assert accuracy(average(members)) < 0.75
    assert accuracy(stacked(members, members)) > 0.9


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_gives_predictions_of_the_seams_form(rule: str, tmp_path: Path) -> None:
    members = {"a": run("a"), "b": run("b", seed=1)}
    found = RULES[rule](members, members)
    predictions.write(tmp_path / "x.parquet", found)
    again = predictions.read(tmp_path / "x.parquet")
    np.testing.assert_array_equal(again.probabilities, found.probabilities)
    assert accuracy(found) > max(map(accuracy, members.values()))


A, B = run("a"), run("b", seed=1)
OTHER = replace(B, ids=(*B.ids[:-1], "another"))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"one": A}, "two members"),
        ({"one": A, "again": A}, "one and again are one and the same training"),
        ({"one": A, "other": OTHER}, "another"),
        ({"one": A, "other": replace(B, truth=B.truth[::-1])}, "the true class of image"),
        ({"one": A, "other": replace(B, classes=tuple("abcdefg"))}, "apart"),
    ],
    ids=["alone", "twice", "other images", "other labels", "other classes"],
)
def test_members_that_make_no_ensemble_are_named(rule: str, members: dict[str, Predictions], named: str) -> None:
    with pytest.raises(UserError, match=named):
        RULES[rule](members, members)


@pytest.mark.parametrize("rule", [weighted, stacked])
@pytest.mark.parametrize(
    ("valid", "named"),
    [
        ({"one": A}, "what other says of validation"),
        ({"one": A, "other": replace(B, run="c")}, "other is the training b"),
    ],
)
def test_validation_must_be_of_the_same_trainings(
    rule: Callable[..., Predictions], valid: dict[str, Predictions], named: str
) -> None:
    with pytest.raises(UserError, match=named):
        rule({"one": A, "other": B}, valid)


def test_a_validation_of_one_class_can_not_be_stacked() -> None:
    alone = {name: one.only(TRUTH == 3) for name, one in (("one", A), ("other", B))}
    with pytest.raises(UserError, match="no stacking"):
        stacked({"one": A, "other": B}, alone)


def test_a_class_that_validation_lacks_gets_no_probability() -> None:
    some = {name: one.only(TRUTH != 3) for name, one in (("one", A), ("other", B))}
    found = stacked({"one": A, "other": B}, some)
    assert not found.probabilities[:, 3].any()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
