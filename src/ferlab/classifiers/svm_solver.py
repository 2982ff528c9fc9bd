"""Support vector machines of scikit-learn: how they are fitted, and what is kept of them."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC, LinearSVC

from ferlab.errors import UserError

Arrays = dict[str, NDArray[np.float64]]
Rows = NDArray[np.float64]
Notes = dict[str, float | int | bool]


def fit_linear(
    rows: Rows | csr_matrix,
    labels: NDArray[np.int64],
    C: float,
    tolerance: float,
    max_iterations: int,
    seed: int,
    **other: Any,
) -> tuple[Arrays, Notes]:
    """One linear machine a class against the rest (LinearSVC: squared hinge, L2).

    Args:
        rows: float64 (N, features), or a sparse matrix of that shape.
        labels: int64 (N,); every class occurs.
        other: further arguments of LinearSVC.

    Returns:
        `weights` (classes, features) and `bias` (classes,); and the notes `converged` and `iterations`.
    """
    # the primal is the quicker one where there are more images than features (scikit-learn's own advice)
    other = {"dual": rows.shape[0] < rows.shape[1]} | other
    machine = LinearSVC(C=C, tol=tolerance, max_iter=max_iterations, random_state=seed, **other)
    converged = _fit(machine, rows, labels)
    notes: Notes = {"converged": converged, "iterations": int(np.max(machine.n_iter_))}
    return _as_saved({"weights": machine.coef_, "bias": machine.intercept_}), notes


def fit_kernel(
    rows: Rows, labels: NDArray[np.int64], C: float, tolerance: float, max_iterations: int, limit: int
) -> tuple[Arrays, Notes]:
    """One machine with a Gaussian kernel a class against the rest; gamma is scikit-learn's `scale`.

    Args:
        limit: more rows than this are refused, because the time grows with their square at least.

    Returns:
        `vectors` (support vectors), `weights` (classes, vectors), `bias` (classes,) and `gamma` (); and notes.

    Raises:
        UserError: too many rows; the linear machine is proposed.
    """
    if len(rows) > limit:
        raise UserError(
            f"a kernel SVM on {len(rows):,} images may never end: its time grows at least with their square, and the "
            f"limit is {limit:,}",
            where="params.yaml: classifiers, kernel and kernel_limit",
            next_step="set kernel to linear, which takes minutes; or raise kernel_limit if you can wait",
        )
    gamma = 1 / (rows.shape[1] * rows.var() or 1.0)
    machine = OneVsRestClassifier(SVC(C=C, gamma=gamma, tol=tolerance, max_iter=max_iterations))
    converged = _fit(machine, rows, labels)
    weights = np.zeros((len(machine.estimators_), len(rows)))
    for of_class, one in zip(weights, machine.estimators_, strict=True):
        of_class[one.support_] = one.dual_coef_[0]
    used = weights.any(axis=0)
    arrays = {
        "vectors": rows[used],
        "weights": weights[:, used],
        "bias": np.array([one.intercept_[0] for one in machine.estimators_]),
        "gamma": np.array([gamma]),
    }
    iterations = max(int(np.max(one.n_iter_)) for one in machine.estimators_)
    notes: Notes = {"converged": converged, "iterations": iterations, "support_vectors": int(used.sum())}
    return _as_saved(arrays), notes


def decision_function(rows: Rows | csr_matrix, arrays: Mapping[str, NDArray[np.float64]]) -> Rows:
    """Decision values (N, classes) of what `fit_linear` or `fit_kernel` returned.

    Their softmax ranks the classes as the machine does; it isn't calibrated.
    """
    if "vectors" in arrays:
        rows = rbf_kernel(rows, arrays["vectors"], gamma=float(arrays["gamma"][0]))
    values: Rows = rows @ arrays["weights"].T + arrays["bias"]
    return values


def _as_saved(arrays: Arrays) -> Arrays:
    """Rows after each other in memory, as a file holds them: some processors round a product of others differently."""
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _fit(machine: Any, rows: Rows | csr_matrix, labels: NDArray[Any]) -> bool:
    """Fit, and say whether the solver converged: scikit-learn says so by a warning alone."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        machine.fit(rows, labels)
    for warning in caught:
        if not issubclass(warning.category, ConvergenceWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
