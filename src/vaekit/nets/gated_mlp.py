"""GatedMLP: fully connected layers whose outputs are gated by sigmoids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from vaekit.nets.net import Net, as_shape


class GatedLayer(nn.Module):
    """(A x + a) * sigmoid(B x + b)."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width_in, 2 * width_out)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.glu(self.linear(x), -1)


class GatedMLP(Net):
    """Fully connected layers h = (A x + a) * sigmoid(B x + b); the input is flattened first.

    Dauphin et al., "Language Modeling with Gated Convolutional Networks", 2017; the network of Tomczak and Welling,
    "VAE with a VampPrior", 2018.

    Args:
        in_shape: shape of one input, an int for a vector.
        hidden: width of the hidden layer, or one width a layer.
        condition: number of condition features, which join the input.

    Raises:
        UserError: a size below 1.

    Example:
        >>> GatedMLP((1, 28, 28), (300, 300))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 300])
    """

    def __init__(
        self, in_shape: int | Sequence[int], hidden: int | Sequence[int], *, condition: int = 0
    ) -> None:
        super().__init__()
        self.in_shape, self.condition = as_shape(in_shape), condition
        widths = [math.prod(self.in_shape) + condition, *as_shape(hidden)]
        self.layers = nn.Sequential(*(GatedLayer(a, b) for a, b in pairwise(widths)))
        self.out_shape = (widths[-1],)

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        x = x.flatten(1)
        return self.layers(x if condition is None else torch.cat([x, condition], -1))
