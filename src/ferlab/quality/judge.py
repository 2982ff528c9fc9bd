"""A judge of expressions: a linear classifier of features, trained on real subjects whom its candidates don't resemble.

Cheap and deterministic. It isn't one of the paper's classifiers, and never sees FER-2013.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeClassifier

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


def judged(features: Array, labels: Ints, folds: Ints, queries: Array, query_folds: Ints, ridge: float) -> Ints:
    """Label of each query, by a judge trained on the images of all folds but the query's.

    Args:
        features, labels, folds: of the images that judges are trained on: (N, d), (N,), (N,).
        queries, query_folds: (M, d) and (M,).
        ridge: regularisation; features should have unit variance.

    Returns:
        int64 (M,); -1 where no judge could be trained, because the other folds show fewer than two classes.
    """
    answers = np.full(len(queries), -1, np.int64)
    for fold in np.unique(query_folds):
        others, asked = folds != fold, query_folds == fold
        if len(np.unique(labels[others])) > 1:
            judge = RidgeClassifier(alpha=ridge, class_weight="balanced").fit(features[others], labels[others])
            answers[asked] = judge.predict(queries[asked])
    return answers
