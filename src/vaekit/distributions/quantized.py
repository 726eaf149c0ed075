"""Quantized and UniformCodes: the posterior and the prior of a vector-quantized model."""

from __future__ import annotations

import math
from collections.abc import Callable

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
        codes: indices into the codebook, (*batch, *grid), or (*batch, *grid, S) for S symbols a position.
        penalty: commitment of each example, (B,); added to the loss.
        num_symbols: S.
    """

    arg_constraints = {}  # noqa: RUF012
    has_rsample = True

    def __init__(
        self, vectors: Tensor, codes: Tensor, penalty: Tensor | None = None, *, num_symbols: int = 1
    ) -> None:
        self.vectors, self.codes, self.penalty, self.num_symbols = vectors, codes, penalty, num_symbols
        # (B, *grid) has one dimension more than the grid, as (dim, *grid) has.
        num_event = codes.ndim - int(num_symbols > 1)
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
        lookup: maps codes (..., P) or (..., P, S) to vectors (..., P, dim).
        mean: the mean of all vectors, (dim,).
        num_codes: values of a symbol.
        grid: shape of the positions.
        num_symbols: symbols a position, S.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(
        self,
        lookup: Callable[[Tensor], Tensor],
        mean: Tensor,
        num_codes: int,
        grid: tuple[int, ...],
        *,
        num_symbols: int = 1,
    ) -> None:
        self.lookup, self.vector_mean, self.num_codes = lookup, mean, num_codes
        self.grid, self.num_symbols = grid, num_symbols
        self.rate = math.prod(grid) * num_symbols * math.log(num_codes)
        super().__init__(Size(), Size([len(mean), *grid]), validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.vector_mean.reshape(-1, *(1 for _ in self.grid)).expand(self.event_shape)

    def sample(self, sample_shape: _size = ()) -> Tensor:
        symbols = (self.num_symbols,) if self.num_symbols > 1 else ()
        shape = (*sample_shape, math.prod(self.grid), *symbols)
        return on_grid(
            self.lookup(torch.randint(self.num_codes, shape, device=self.vector_mean.device)), self.grid
        )

    def log_prob(self, value: Tensor) -> Tensor:
        return value.new_full(value.shape[: value.ndim - len(self.event_shape)], -self.rate)


def on_grid(vectors: Tensor, grid: tuple[int, ...]) -> Tensor:
    """Vectors (..., P, dim) of positions in order, as (..., dim, *grid)."""
    return vectors.movedim(-1, -2).unflatten(-1, grid)


@register_kl(Quantized, UniformCodes)
def _kl_quantized_uniform(q: Quantized, p: UniformCodes) -> Tensor:
    return q.vectors.new_full(q.batch_shape, p.rate)
