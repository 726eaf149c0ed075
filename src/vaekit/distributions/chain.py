"""Chain: the joint distribution of latents that depend on those drawn before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from vaekit.distributions.shaped import center

Link = Callable[[list[Tensor]], Distribution]


class Chain(Distribution):
    """p(z_1) p(z_2|z_1) ... over the concatenation of vectors z_1, z_2, ..., first drawn first.

    Args:
        links: each maps the vectors drawn before to the distribution of the next one.
        sizes: length of each vector.
        batch_shape: batch shape of the first.
    """

    arg_constraints = {}  # noqa: RUF012
    has_rsample = True

    def __init__(self, links: Sequence[Link], sizes: Sequence[int], batch_shape: Size) -> None:
        self.links, self.sizes = links, list(sizes)
        super().__init__(batch_shape, Size([sum(sizes)]), validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real_vector

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        drawn: list[Tensor] = []
        lead = Size(sample_shape) + self.batch_shape
        for link in self.links:
            given = link(drawn)
            drawn.append(given.rsample(lead[: len(lead) - len(given.batch_shape)]))
        return torch.cat(drawn, -1)

    def log_prob(self, value: Tensor) -> Tensor:
        parts = list(value.split(self.sizes, -1))
        return torch.stack(
            [link(parts[:i]).log_prob(part) for i, (link, part) in enumerate(zip(self.links, parts))]
        ).sum(0)

    @property
    def mean(self) -> Tensor:
        """Each vector's mean given the means before it; for Gaussian links, the most typical joint value."""
        means: list[Tensor] = []
        for link in self.links:
            mean = center(link(means))
            means.append(mean.expand(*self.batch_shape, mean.shape[-1]))
        return torch.cat(means, -1)

    @property
    def stddev(self) -> Tensor:
        """Each vector's spread given the means before it."""
        means: list[Tensor] = []
        spreads: list[Tensor] = []
        for link in self.links:
            given = link(means)
            mean = center(given)
            means.append(mean.expand(*self.batch_shape, mean.shape[-1]))
            spreads.append(given.stddev.expand_as(means[-1]))
        return torch.cat(spreads, -1)
