"""Convolutions at the 3x3 end of the networks, unfolded into one matrix product.

On a CPU torch's own reach a third of the matrix product's speed there: few positions, many channels. These are the same
sums with the same weights, to rounding. On other devices they are torch's.
"""

from torch import Tensor, nn
from torch.nn import functional as F


class UnfoldedConv2d(nn.Conv2d):
    """A convolution as a product of unfolded patches; quick where its output has few positions."""

    def forward(self, maps: Tensor) -> Tensor:
        if maps.device.type != "cpu":
            return super().forward(maps)
        kernel, stride, padding = self.kernel_size[0], self.stride[0], int(self.padding[0])
        n, side = len(maps), (maps.shape[-1] + 2 * padding - kernel) // stride + 1
        patches = F.unfold(maps, kernel, padding=padding, stride=stride).transpose(
            1, 2
        )  # (n, positions, channels * kernel²)
        values = F.linear(patches.flatten(0, 1), self.weight.flatten(1), self.bias)
        return values.view(n, side * side, -1).transpose(1, 2).reshape(n, -1, side, side)


class FoldedConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution without bias as folded products; quick where its input has few positions."""

    def forward(self, maps: Tensor, output_size: list[int] | None = None) -> Tensor:
        assert output_size is None
        assert self.bias is None
        if maps.device.type != "cpu":
            return super().forward(maps)
        kernel, stride, padding = self.kernel_size[0], self.stride[0], int(self.padding[0])
        n, channels, before, _ = maps.shape
        side = (before - 1) * stride - 2 * padding + kernel
        positions = maps.flatten(2).transpose(1, 2).reshape(n * before * before, channels)
        patches = (positions @ self.weight.flatten(1)).view(n, before * before, -1).transpose(1, 2)
        return F.fold(patches, (side, side), kernel, padding=padding, stride=stride)
