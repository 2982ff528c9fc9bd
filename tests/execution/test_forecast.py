"""How long tasks take together, in closed form."""

from pathlib import Path

import pytest

from ferlab.execution.forecast import makespan
from ferlab.execution.task import Task


def task(name: str, seconds: float, after: str = "", rank: int = 0) -> Task:
    return Task(name, (), Path(), Path(), frozenset(after.split()), seconds=seconds, rank=(rank,))


CHAIN = [task("a", 3), task("b", 4, after="a"), task("c", 5, after="b")]
APART = [task(f"t{i}", seconds) for i, seconds in enumerate((8, 4, 4, 2, 2))]
DIAMOND = [task("top", 1), task("left", 5, "top"), task("right", 3, "top"), task("end", 2, "left right")]


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_a_chain_takes_the_sum_however_many_run_at_once(jobs: int) -> None:
    assert makespan(CHAIN, jobs) == 12


@pytest.mark.parametrize(("jobs", "seconds"), [(1, 20), (2, 10), (5, 8), (99, 8)])
def test_tasks_apart_share_the_time_until_the_longest_decides(jobs: int, seconds: float) -> None:
    assert makespan(APART, jobs) == seconds


@pytest.mark.parametrize(("jobs", "seconds"), [(1, 11), (2, 8)])
def test_a_diamond_takes_its_longer_side(jobs: int, seconds: float) -> None:
    assert makespan(DIAMOND, jobs) == seconds


def test_a_lower_rank_starts_first_though_it_is_cheap() -> None:
    """With one place, the order doesn't show; with two, the dear one of a later rank starts last."""
    assert makespan([task("late", 10, rank=1), task("one", 1), task("two", 1)], 2) == 11


def test_what_runs_already_keeps_its_place_and_takes_what_it_still_takes() -> None:
    left = DIAMOND[1:]
    assert makespan(left, 2, {"left": 1.5}) == 3 + 2
    assert makespan(left, 1, {"left": 1.5}) == 1.5 + 3 + 2
    assert makespan([], 2, {"gone": 7.0}) == 7


def test_nothing_takes_no_time() -> None:
    assert makespan([], 3) == 0


def test_what_waits_for_something_ended_long_ago_does_not_wait() -> None:
    assert makespan([task("b", 4, after="ended")], 1) == 4
