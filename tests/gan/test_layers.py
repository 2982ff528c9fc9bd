"""Matrix products in the place of convolutions: torch's own convolutions, in values and in both derivatives."""

import pytest
import torch
from torch import Tensor, nn

from ferlab.gan.layers import FoldedConvTranspose2d, UnfoldedConv2d

# channels in, out, kernel, stride, padding; side of the input
LAYERS = [
    (UnfoldedConv2d, nn.Conv2d, (6, 5, 4, 2, 1, 6), False),
    (UnfoldedConv2d, nn.Conv2d, (5, 1, 3, 1, 0, 3), True),
    (FoldedConvTranspose2d, nn.ConvTranspose2d, (6, 5, 4, 2, 1, 3), False),
    (FoldedConvTranspose2d, nn.ConvTranspose2d, (7, 4, 3, 1, 0, 1), False),
]


@pytest.mark.parametrize(("ours", "torchs", "sizes", "bias"), LAYERS)
def test_the_same_as_torchs(ours: type[nn.Module], torchs: type[nn.Module], sizes: tuple[int, ...], bias: bool) -> None:
    *shape, side = sizes
    mine, theirs = ours(*shape, bias=bias).double(), torchs(*shape, bias=bias).double()
    theirs.load_state_dict(mine.state_dict())
    maps = torch.randn(3, shape[0], side, side, dtype=torch.float64, requires_grad=True)

    def derivatives(layer: nn.Module) -> list[Tensor]:
        made = layer(maps)
        (first,) = torch.autograd.grad(made.square().sum(), maps, create_graph=True)
        return [made, first, *torch.autograd.grad(first.square().sum(), [maps, *layer.parameters()])]

    for mine_value, their_value in zip(derivatives(mine), derivatives(theirs), strict=True):
        torch.testing.assert_close(mine_value, their_value, rtol=1e-12, atol=1e-12)


def test_other_sides_are_refused() -> None:
    """A bias or another output size would be lost silently."""
    with pytest.raises(AssertionError):
        FoldedConvTranspose2d(2, 2, 3, 1, 0)(torch.zeros(1, 2, 1, 1))
    with pytest.raises(AssertionError):
        FoldedConvTranspose2d(2, 2, 3, 1, 0, bias=False)(torch.zeros(1, 2, 1, 1), output_size=[3, 3])
