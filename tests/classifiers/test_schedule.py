"""Learning rate and number of steps: stepped once a batch, as the published schedule is."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import OneCycleLR

from ferlab.classifiers.schedule import batches_per_epoch, learning_rate


@pytest.mark.parametrize("total", [2, 3, 5, 10, 37, 100, 898])
@pytest.mark.parametrize("peak", [0.1, 3e-4])
def test_one_cycle_is_torchs_at_every_step(peak: float, total: int) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = OneCycleLR(optimizer, max_lr=peak, total_steps=total, cycle_momentum=False)
    for step in range(total):
        assert learning_rate("one_cycle", peak, step, total) == pytest.approx(
            optimizer.param_groups[0]["lr"], rel=0, abs=1e-12
        )
        optimizer.step()
        if step < total - 1:
            scheduler.step()


def test_one_cycle_is_not_flat() -> None:
    """Stepped an epoch it hardly moves; here it rises, peaks once and falls below a thousandth."""
    rates = [learning_rate("one_cycle", 0.1, step, 1000) for step in range(1000)]
    top = rates.index(max(rates))
    assert (rates[0], rates[-1]) == pytest.approx((0.1 / 25, 0.1 / 25e4))
    assert top == 299
    assert rates[top] == pytest.approx(0.1)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


@pytest.mark.parametrize("step", [0, 5, 99])
def test_constant(step: int) -> None:
    assert learning_rate("constant", 1e-4, step, 100) == 1e-4


def test_a_single_step() -> None:
    assert 0 < learning_rate("one_cycle", 0.1, 0, 1) <= 0.1


@pytest.mark.parametrize(
    ("images", "batch_size", "batches"),
    [
        (28709, 32, 898),  # FER-2013: 179,600 steps in the paper's 200 epochs
        (28709 + 7000, 32, 1116),  # with the 7,000 added images 223,200
        (64, 32, 2),
        (65, 32, 2),  # a leftover of one is left out
        (66, 32, 3),
        (7, 32, 1),
    ],
)
def test_batches_an_epoch(images: int, batch_size: int, batches: int) -> None:
    assert batches_per_epoch(images, batch_size) == batches


@given(st.integers(2, 5000), st.integers(2, 300))
def test_batches_against_torchs_split(images: int, batch_size: int) -> None:
    sizes = [len(part) for part in torch.arange(images).split(batch_size)]
    assert batches_per_epoch(images, batch_size) == sum(size > 1 for size in sizes)
