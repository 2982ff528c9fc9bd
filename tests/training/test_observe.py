"""Observers."""

from collections.abc import Mapping

import pytest

from ferlab.training.observe import all_of, ignore


def test_all_of_calls_each_in_turn() -> None:
    calls: list[tuple[str, int, Mapping[str, float]]] = []
    observe = all_of(
        lambda step, values: calls.append(("first", step, values)),
        ignore,
        lambda step, values: calls.append(("second", step, values)),
    )
    observe(3, {"loss": 0.5})
    assert calls == [("first", 3, {"loss": 0.5}), ("second", 3, {"loss": 0.5})]


def test_an_error_in_an_observer_ends_the_training() -> None:
    """Optuna prunes so."""

    def prune(step: int, values: Mapping[str, float]) -> None:
        raise StopIteration

    with pytest.raises(StopIteration):
        all_of(ignore, prune)(1, {})
