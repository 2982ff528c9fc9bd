"""Ensembles: what several runs say of the same images, combined. The paper calls it network integration.

A combination is a prediction like any other, so that whatever reads the seam reads it too. Weights and stacking are
fitted on the validation split; what they are fitted on has also picked the members' epochs, so that their figures on it
flatter and only those on the test split count.
"""

import hashlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from ferlab.errors import UserError
from ferlab.evaluation.comparison import align
from ferlab.evaluation.predictions import Predictions
from ferlab.files import canonical_json

Array = NDArray[np.float64]
Members = Mapping[str, Predictions]
"""Name of a run, e.g. `resnet50-0` -> what it says of some images."""

STACKING_C = 0.1
"""Of scikit-learn's logistic regression. Of each factor of ten from 1e-5 to 1 it is the smallest with the best accuracy
in five folds of the trial report's validation predictions."""
LEAST = 1e-6  # a probability below this counts as this in a logarithm: more of FER-2013's labels are wrong


def average(test: Members, valid: Members | None = None) -> Predictions:
    """The mean of the members' probabilities."""
    members = aligned(test)
    return _combined("average", members, np.mean([run.probabilities for run in members.values()], axis=0))


def weighted(test: Members, valid: Members) -> Predictions:
    """The weighted product of the members' probabilities, normalised, with the weights of `weights_on`.

    A product (the logarithmic opinion pool: Genest and Zidek 1986) takes in members whose probabilities are too sure or
    too unsure, as those of support vector machines are: a weight is a member's temperature as well.
    """
    members, weights = aligned(test), weights_on(_as_in(test, valid))
    pooled = softmax(np.einsum("m,mnc->nc", weights, _logarithms(members)), axis=1)
    return _combined("weighted", members, pooled)


def stacked(test: Members, valid: Members) -> Predictions:
    """A logistic regression of the true class on the logarithms of all members' probabilities (Wolpert 1992).

    It is fitted on validation, with an L2 penalty.

    Raises:
        UserError: it doesn't converge, or validation has one class alone.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    members, known = aligned(test), aligned(_as_in(test, valid))
    truth = _first(known).truth
    machine = LogisticRegression(C=STACKING_C, solver="newton-cholesky", tol=1e-8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            machine.fit(_side_by_side(known), truth)
    except (ConvergenceWarning, ValueError) as error:
        raise UserError(
            f"no stacking can be fitted on validation: {error}", where=", ".join(test), next_step="use the average"
        ) from None
    probabilities = np.zeros_like(_first(members).probabilities)
    probabilities[:, machine.classes_] = machine.predict_proba(_side_by_side(members))
    return _combined("stacked", members, probabilities)


RULES: dict[str, Callable[[Members, Members], Predictions]] = {
    "average": average,
    "weighted": weighted,
    "stacked": stacked,
}
"""How members can be combined: the first needs their test predictions alone, the others validation's too."""


def aligned(members: Members) -> dict[str, Predictions]:
    """The members with their rows in the order of the first.

    Raises:
        UserError: fewer than two, one training twice, or other images, classes or true classes; who, is named.
    """
    if len(members) < 2:
        raise UserError(f"an ensemble needs two members, not {len(members)}", where=", ".join(members))
    first_name, first = next(iter(members.items()))
    rows, seen = dict[str, Predictions](), dict[str, str]()
    for name, run in members.items():
        if run.run in seen:
            raise UserError(
                f"{seen[run.run]} and {name} are one and the same training, {run.run}",
                where=name,
                next_step="name each member once",
            )
        seen[run.run] = name
        rows[name] = align(first, run, (first_name, name))
    return rows


def weights_on(valid: Members) -> Array:
    """float64 (M,), none below 0: the weights whose product makes validation's true classes most likely.

    The log likelihood is concave in them, so that they are the best there are. Rounded to four decimals, so that every
    machine finds the same.
    """
    members = aligned(valid)
    logarithms, truth = _logarithms(members), _first(members).truth
    rows = np.arange(len(truth))

    def loss(weights: Array) -> tuple[float, Array]:
        pooled = log_softmax(np.einsum("m,mnc->nc", weights, logarithms), axis=1)
        expected = np.einsum("nc,mnc->m", np.exp(pooled), logarithms)
        slope = (expected - logarithms[:, rows, truth].sum(axis=1)) / len(truth)
        return -float(pooled[rows, truth].mean()), slope

    start, bounds = np.full(len(members), 1 / len(members)), [(0, None)] * len(members)
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-8})
    return np.asarray(np.round(found.x, 4))


def _as_in(test: Members, valid: Members) -> dict[str, Predictions]:
    """What the members say of validation, in their order.

    Raises:
        UserError: a member's is missing or another training's.
    """
    for name, run in test.items():
        if name not in valid:
            raise UserError(
                f"what {name} says of validation isn't on file, so no weights can be found",
                where=name,
                next_step="`dvc repro` writes it; an average needs none",
            )
        if valid[name].run != run.run:
            raise UserError(
                f"{name} is the training {run.run} on test and {valid[name].run} on validation",
                where=name,
                next_step="`dvc repro` makes both anew",
            )
    return {name: valid[name] for name in test}


def _first(members: Members) -> Predictions:
    return next(iter(members.values()))


def _logarithms(members: Members) -> Array:
    """float64 (M, N, C)."""
    return np.array([np.log(np.maximum(run.probabilities, LEAST)) for run in members.values()])


def _side_by_side(members: Members) -> Array:
    """The same as float64 (N, M x C)."""
    return np.hstack(list(_logarithms(members)))


def _combined(rule: str, members: Members, probabilities: Array) -> Predictions:
    """The combination as a prediction; its run is a name made of the rule and the members' trainings."""
    told = {"rule": rule, "runs": sorted(run.run for run in members.values())}
    name = hashlib.sha256(canonical_json(told).encode()).hexdigest()[:16]
    return replace(_first(members), probabilities=probabilities, run=name)
