"""Quantized and UniformCodes: the posterior and the prior of a vector-quantized model."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.kl import register_kl
from torch.types import _size


class Quantized(Distribution):
    """All probability on one code at each position. A draw is the codes' vectors, (*batch, dim, *grid).

    Probabilities are those of the codes (counting measure), so `log_prob` is 0 at the codes it holds.

    Args:
        vectors: the codes' vectors with a straight-through gradient, (*batch, dim, *grid).
        codes: indices into the codebook, (*batch, *grid).
        penalty: commitment of each example, (B,); added to the loss.
    """

    arg_constraints = {}  # noqa: RUF012
    has_rsample = True

    def __init__(self, vectors: Tensor, codes: Tensor, penalty: Tensor | None = None) -> None:
        self.vectors, self.codes, self.penalty = vectors, codes, penalty
        num_event = codes.ndim  # (B, *grid) has one dimension more than the grid, as (dim, *grid) has
        super().__init__(
            vectors.shape[: vectors.ndim - num_event],
            vectors.shape[vectors.ndim - num_event :],
            validate_args=False,
        )

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real

    @property
    def mean(self) -> Tensor:
        return self.vectors

    @property
    def variance(self) -> Tensor:
        return torch.zeros_like(self.vectors)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        return self.vectors.expand(self._extended_shape(Size(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        return value.new_zeros(value.shape[: value.ndim - len(self.event_shape)])


class UniformCodes(Distribution):
    """Every code equally likely at every position. A draw is the codes' vectors, (dim, *grid).

    Args:
        codebook: the vectors, (num_codes, dim).
        grid: shape of the positions.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, codebook: Tensor, grid: tuple[int, ...]) -> None:
        self.codebook, self.grid = codebook, grid
        self.rate = math.prod(grid) * math.log(len(codebook))
        super().__init__(Size(), Size([codebook.shape[1], *grid]), validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.codebook.mean(0).reshape(-1, *(1 for _ in self.grid)).expand(self.event_shape)

    def sample(self, sample_shape: _size = ()) -> Tensor:
        codes = torch.randint(len(self.codebook), (*sample_shape, *self.grid), device=self.codebook.device)
        return self.codebook[codes].movedim(-1, len(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        return value.new_full(value.shape[: value.ndim - len(self.event_shape)], -self.rate)


@register_kl(Quantized, UniformCodes)
def _kl_quantized_uniform(q: Quantized, p: UniformCodes) -> Tensor:
    return q.vectors.new_full(q.batch_shape, p.rate)
