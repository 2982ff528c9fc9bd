"""Seeds depend on number and purpose only."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ferlab.errors import UserError
from ferlab.training.seeding import derive, permutation, random_generator, resolve_device, seeded, set_up


@given(st.integers(0, 2**40), st.lists(st.text(max_size=4) | st.integers(0, 9), max_size=3))
def test_derived_seeds_fit_torch(seed: int, purpose: list[object]) -> None:
    assert 0 <= derive(seed, *purpose) < 2**63
    assert derive(seed, *purpose) == derive(seed, *purpose)


def test_another_seed_or_purpose_gives_another_number() -> None:
    purposes = [(0,), (1,), (0, "a"), (0, "b"), (0, "a", "b"), (0, "ab"), (0, "a", 1), (0, "a", 11), (0, 1, 1)]
    assert len({derive(*purpose) for purpose in purposes}) == len(purposes)
    draws = [torch.rand(4, generator=random_generator(*purpose)) for purpose in purposes]
    assert all(not torch.equal(a, b) for i, a in enumerate(draws) for b in draws[:i])


def test_each_epoch_has_an_order_of_its_own() -> None:
    """A resumed epoch doesn't replay epoch 0's order."""
    orders = [permutation(100, 0, "order", epoch) for epoch in range(3)]
    for order in orders:
        assert torch.equal(order.sort().values, torch.arange(100))
    assert not torch.equal(orders[0], orders[1])
    torch.rand(5)  # what else was drawn doesn't matter
    assert torch.equal(permutation(100, 0, "order", 2), orders[2])


def test_seeded_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with seeded(7):
        inside = torch.rand(2)
    assert torch.equal(torch.rand(2), expected)
    with seeded(7):
        assert torch.equal(torch.rand(2), inside)


def test_devices() -> None:
    assert resolve_device("cpu") == "cpu"
    if torch.cuda.is_available():
        assert resolve_device("auto") == resolve_device("cuda") == "cuda"
        return
    assert resolve_device("auto") == "cpu"
    with pytest.raises(UserError, match="no CUDA device") as caught:
        resolve_device("cuda")
    assert "compute.device" in caught.value.where


def test_threads_are_a_parameter() -> None:
    """Sums over another number of threads have other last bits."""
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            set_up(threads)
            assert torch.get_num_threads() == threads
            assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
        set_up(before)
        torch.use_deterministic_algorithms(False)


def test_libraries_loaded_later_keep_to_the_threads() -> None:
    """scikit-learn brings SciPy's matrix products along, which would take all cores, and sum up in another order."""
    program = """
import sys
from ferlab.training.instructions import limit
limit("avx2")
from ferlab.training.seeding import set_up
set_up(1)
import sklearn.svm, scipy.linalg, numpy
from threadpoolctl import threadpool_info
print(*[library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert len(told) >= 2
    assert set(told) == {"1"}
