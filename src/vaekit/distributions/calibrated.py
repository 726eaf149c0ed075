"""Calibrated: a location-scale density whose scale is the best one for the value that it is asked about."""

from __future__ import annotations

from collections.abc import Callable

from torch import Size, Tensor
from torch.distributions import Distribution, Independent, Laplace, Normal, constraints
from torch.types import _size


class Calibrated(Distribution):
    """family(loc, fit(value - loc)) for `log_prob`, family(loc, scale) for draws.

    Rybkin, Daniilidis and Levine, "Simple and Effective VAE Training with Calibrated Decoders", 2021.

    Args:
        family: `Normal` or `Laplace` of torch.distributions.
        loc: (*batch, *event).
        scale: of the draws, a scalar.
        fit: maps the errors, value - loc, to the scale that gives them the highest density.
        event_dim: how many trailing dimensions of `loc` form one event.
    """

    arg_constraints = {"loc": constraints.real}  # noqa: RUF012
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        family: type[Normal] | type[Laplace],
        loc: Tensor,
        scale: Tensor,
        fit: Callable[[Tensor], Tensor],
        event_dim: int,
    ) -> None:
        self.family, self.loc, self.scale, self.fit, self.event_dim = family, loc, scale, fit, event_dim
        split = loc.ndim - event_dim
        super().__init__(loc.shape[:split], loc.shape[split:], validate_args=False)

    def at(self, scale: Tensor) -> Independent:
        """The density with this scale."""
        base = self.family(self.loc, scale, validate_args=False)
        return Independent(base, self.event_dim, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        return self.at(self.fit(value - self.loc)).log_prob(value)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.at(self.scale).variance

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        return self.at(self.scale).rsample(Size(sample_shape))
