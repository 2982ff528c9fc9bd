"""The judge of expressions."""

import numpy as np

from ferlab.quality.judge import judged


def folds_of(subjects: np.ndarray) -> np.ndarray:
    """A person's images share a fold."""
    return subjects % 5


def test_whom_a_query_resembles_its_judge_has_not_seen() -> None:
    """Labels that only knowledge of the very subject would tell are told no better than by guessing."""
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(60), 5)
    person = rng.normal(size=(60, 80))[subjects]
    labels = rng.integers(0, 2, 60)[subjects]
    folds = folds_of(subjects)
    told = judged(person, labels, folds, person, folds, 1.0)
    assert (told == labels).mean() < 0.7
    leaky = judged(person, labels, folds, person, (folds + 1) % 5, 1.0)
    assert (leaky == labels).mean() > 0.95


def test_what_can_be_told_is_told() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(210) % 7
    features = np.eye(7)[labels] * 4 + rng.normal(size=(210, 7))
    folds = folds_of(np.arange(210) // 7)
    assert (judged(features, labels, folds, features, folds, 1.0) == labels).mean() > 0.9


def test_without_a_second_class_nothing_is_told() -> None:
    features, folds = np.ones((4, 2)), np.array([0, 0, 1, 1])
    told = judged(features, np.array([0, 1, 1, 1]), folds, features, folds, 1.0)
    assert told[:2].tolist() == [-1, -1]
    assert (told[2:] >= 0).all()
