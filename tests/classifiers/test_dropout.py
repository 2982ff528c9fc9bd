"""Dropout from a generator of its own, against torch's."""

import pytest
import torch
from torch import nn

from ferlab.classifiers.dropout import Dropout, draw_dropout_from


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5])
def test_it_is_torchs_bit_for_bit(p: float, dtype: torch.dtype) -> None:
    """Values and gradients, also of the second draw."""
    ours, torchs = Dropout(p), nn.Dropout(p)
    ours.generator = torch.Generator().manual_seed(3)
    torch.manual_seed(3)
    for _ in range(2):
        values = torch.randn(5, 77, generator=torch.Generator().manual_seed(0)).to(dtype).requires_grad_()
        others = values.detach().clone().requires_grad_()
        found, expected = ours(values), torchs(others)
        assert torch.equal(found, expected)
        found.square().sum().backward()
        expected.square().sum().backward()
        assert torch.equal(values.grad, others.grad)


def test_nothing_is_dropped_in_evaluation() -> None:
    layer, values = Dropout(0.5).eval(), torch.ones(4)
    layer.generator = torch.Generator().manual_seed(0)
    before = layer.generator.get_state()
    assert torch.equal(layer(values), values)
    assert torch.equal(layer.generator.get_state(), before)


def test_all_layers_of_a_model_draw_from_one_generator_and_torchs_own_is_left_alone() -> None:
    model, other = (nn.Sequential(nn.Sequential(Dropout(0.5)), Dropout(0.5)) for _ in range(2))
    draw_dropout_from(torch.Generator().manual_seed(1), model)
    draw_dropout_from(torch.Generator().manual_seed(1), other)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = [model(torch.ones(99)) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one, other(torch.ones(99))) for one in first)
    assert not torch.equal(*first)
