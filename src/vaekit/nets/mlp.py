"""MLP: fully connected layers, the network of the classic VAE."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from vaekit.nets.net import Net, activation_of, as_shape


class MLP(Net):
    """Fully connected layers, each followed by an activation; the input is flattened first.

    Args:
        in_shape: shape of one input, an int for a vector.
        hidden: width of the hidden layer, or one width a layer; `()` passes the flat input on.
        activation: "relu", "tanh", "silu", "gelu", "elu" or "leaky_relu".
        condition: number of condition features, which join the input.

    Raises:
        UserError: a size below 1 or an unknown activation.

    Example:
        >>> MLP((1, 28, 28), 400)(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 400])
    """

    def __init__(
        self,
        in_shape: int | Sequence[int],
        hidden: int | Sequence[int],
        *,
        activation: str = "relu",
        condition: int = 0,
    ) -> None:
        super().__init__()
        act = activation_of(activation)
        self.in_shape, self.condition = as_shape(in_shape), condition
        widths = [math.prod(self.in_shape) + condition, *(as_shape(hidden) if hidden != () else ())]
        layers: list[nn.Module] = []
        for width_in, width_out in pairwise(widths):
            layers += [nn.Linear(width_in, width_out), act()]
        self.layers = nn.Sequential(*layers)
        self.out_shape = (widths[-1],)

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        x = x.flatten(1)
        return self.layers(x if condition is None else torch.cat([x, condition], -1))
