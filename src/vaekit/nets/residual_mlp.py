"""ResidualMLP: fully connected layers with a way around each block."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vaekit.nets.net import Net, as_shape


class ResidualBlock(nn.Module):
    """h + W2 silu(W1 norm(h)); the identity at the start, since W2 begins at zero."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.first, self.second = nn.LayerNorm(width), nn.Linear(width, width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.second(self.dropout(nn.functional.silu(self.first(self.norm(h)))))


class ResidualMLP(Net):
    """A linear layer, then residual blocks of one hidden layer each, and a norm; the input is flattened first.

    After He et al., "Identity Mappings in Deep Residual Networks", 2016; for tables Gorishniy et al., "Revisiting Deep
    Learning Models for Tabular Data", 2021.

    Args:
        in_shape: shape of one input, an int for a vector.
        hidden: width of all layers.
        num_blocks: residual blocks.
        dropout: share of the hidden units that a block drops in training.
        condition: number of condition features, which join the input.
        around: the input joins the features that come out, so that what is linear needs no layers.

    Raises:
        UserError: a size below 1.

    Example:
        >>> ResidualMLP(20, 64, num_blocks=2)(torch.zeros(3, 20)).shape
        torch.Size([3, 64])
    """

    def __init__(
        self,
        in_shape: int | Sequence[int],
        hidden: int = 256,
        *,
        num_blocks: int = 2,
        dropout: float = 0.0,
        condition: int = 0,
        around: bool = False,
    ) -> None:
        super().__init__()
        self.in_shape, self.condition, self.around = as_shape(in_shape), condition, around
        width = math.prod(self.in_shape) + condition
        self.out_shape = as_shape(hidden + width if around else hidden)
        self.enter = nn.Linear(width, hidden)
        self.blocks = nn.Sequential(*(ResidualBlock(hidden, dropout) for _ in range(num_blocks)))
        self.norm = nn.LayerNorm(hidden)

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        x = x.flatten(1)
        x = x if condition is None else torch.cat([x, condition], -1)
        h = nn.functional.silu(self.norm(self.blocks(self.enter(x))))
        return torch.cat([h, x], -1) if self.around else h
