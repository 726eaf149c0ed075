"""Counts: a distribution of whole numbers as one of values on a grid that starts at 0."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size


class Counts(Distribution):
    """x = n / (levels - 1), n >= 0 whole numbers of `base`; elementwise. Draws may lie beyond 1, as counts may lie
    beyond the largest one seen.

    Args:
        base: a distribution of whole numbers, `Poisson` for example.
        levels: the count of `levels - 1` is x = 1.
    """

    arg_constraints = {}  # noqa: RUF012
    support = constraints.nonnegative

    def __init__(self, base: Distribution, levels: int) -> None:
        self.base, self.unit = base, levels - 1
        super().__init__(base.batch_shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        return self.base.log_prob((value * self.unit).round().clamp(min=0))

    @property
    def mean(self) -> Tensor:
        return self.base.mean / self.unit

    @property
    def mode(self) -> Tensor:
        return self.base.mode / self.unit

    @property
    def variance(self) -> Tensor:
        return self.base.variance / self.unit**2

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        return self.base.sample(Size(sample_shape)) / self.unit
