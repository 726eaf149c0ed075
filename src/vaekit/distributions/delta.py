"""Delta: all probability on one point; what a deterministic encoder returns."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size


class Delta(Distribution):
    """A point mass at `loc`. It has draws and a mean but no density.

    Args:
        loc: the point, (*batch, *event).
        event_dim: how many trailing dimensions of `loc` form one event.
    """

    arg_constraints = {"loc": constraints.real}  # noqa: RUF012
    has_rsample = True

    def __init__(self, loc: Tensor, event_dim: int = 1) -> None:
        self.loc = loc
        split = loc.ndim - event_dim
        super().__init__(loc.shape[:split], loc.shape[split:], validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return torch.zeros_like(self.loc)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        return self.loc.expand(self._extended_shape(Size(sample_shape)))

    def expand(self, batch_shape: _size, _instance: Distribution | None = None) -> Delta:
        return Delta(self.loc.expand(*batch_shape, *self.event_shape), len(self.event_shape))
