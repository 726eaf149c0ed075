"""Net: the contract of every network. Tensor to tensor, any leading dimensions; no probability in here."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaekit.component import Component
from vaekit.errors import UserError, did_you_mean

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
}


def as_shape(shape: int | Sequence[int]) -> tuple[int, ...]:
    """A shape from an int or a sequence, every size at least 1.

    Raises:
        UserError: a size below 1.

    Example:
        >>> as_shape(784)
        (784,)
    """
    shape = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
    if any(n < 1 for n in shape):
        raise UserError(f"Sizes must be at least 1; {shape if len(shape) != 1 else shape[0]} came.")
    return shape


def activation_of(name: str) -> type[nn.Module]:
    """The activation of that name.

    Raises:
        UserError: there is none.
    """
    if name not in ACTIVATIONS:
        raise UserError(f'Unknown activation "{name}". {did_you_mean(name, ACTIVATIONS)}')
    return ACTIVATIONS[name]


def full_precision(values: Tensor) -> Tensor:
    """Half-precision outputs of a network as float32: densities are always computed in float32 or better."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


class Net(Component):
    """Maps (..., *in_shape) to (..., *out_shape), with any number of leading dimensions.

    A subclass sets `in_shape`, `out_shape` and `condition`, and writes `transform` for one leading dimension N.
    `condition` is the width F of extra features, (..., F), that join the input; 0 for none. Leading dimensions of
    input and condition broadcast against each other.
    """

    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    condition: int = 0

    @abstractmethod
    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """(N, *in_shape) and (N, F) to (N, *out_shape)."""

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        num_event = len(self.in_shape)
        if tuple(x.shape[x.ndim - num_event :]) != self.in_shape:
            raise UserError(
                f"{type(self).__name__} takes inputs of shape (..., {', '.join(map(str, self.in_shape))}); "
                f"{tuple(x.shape)} came."
            )
        lead = x.shape[: x.ndim - num_event]
        if self.condition:
            if condition is None:
                raise UserError(
                    f"{type(self).__name__} was built for a condition of {self.condition} features; none came."
                )
            if condition.shape[-1] != self.condition:
                raise UserError(
                    f"{type(self).__name__} takes a condition of {self.condition} features; "
                    f"{condition.shape[-1]} came."
                )
            lead = torch.broadcast_shapes(lead, condition.shape[:-1])
            x = x.expand(*lead, *self.in_shape)
            condition = condition.expand(*lead, -1).reshape(-1, self.condition).to(x.dtype)
        else:
            condition = None
        out = self.transform(x.reshape(-1, *self.in_shape), condition)
        return out.reshape(*lead, *self.out_shape)


class Head(nn.Module):
    """The last layer of a conditional: turns a network's features into `num_params` parameters an event element.

    A linear layer for a feature vector; a 1x1 convolution where the features are maps of the event's own height and
    width; a 3x3 convolution and a pixel shuffle where they are maps of half of it (Shi et al., 2016), which saves the
    costly layers at full size. The output is (num_params, ..., *event_shape), in float32 or better.
    """

    def __init__(self, in_shape: tuple[int, ...], event_shape: tuple[int, ...], num_params: int) -> None:
        super().__init__()
        self.in_shape, self.event_shape, self.num_params = in_shape, event_shape, num_params
        are_maps = len(in_shape) == 3 and len(event_shape) == 3
        self.is_half = are_maps and in_shape[1:] == tuple((n + 1) // 2 for n in event_shape[1:])
        self.is_map = are_maps and (self.is_half or in_shape[1:] == event_shape[1:])
        if self.is_half:
            self.layer: nn.Module = nn.Conv2d(in_shape[0], event_shape[0] * num_params * 4, 3, padding=1)
        elif self.is_map:
            self.layer = nn.Conv2d(in_shape[0], event_shape[0] * num_params, 1)
        else:
            self.layer = nn.Linear(math.prod(in_shape), math.prod(event_shape) * num_params)

    def forward(self, features: Tensor) -> Tensor:
        lead = features.shape[: features.ndim - len(self.in_shape)]
        flat = features.reshape(-1, *(self.in_shape if self.is_map else (math.prod(self.in_shape),)))
        out = full_precision(self.layer(flat))
        if self.is_half:
            out = F.pixel_shuffle(out, 2)[..., : self.event_shape[1], : self.event_shape[2]]
        return out.reshape(*lead, self.num_params, *self.event_shape).movedim(len(lead), 0)
