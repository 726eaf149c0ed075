"""Shaped: a distribution over vectors as one over events of any shape."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.kl import kl_divergence, register_kl
from torch.types import _size

from vaekit.errors import UserError


class Shaped(Distribution):
    """Draws of `base`, vectors of length D, laid out as `shape`, whose sizes multiply to D.

    Args:
        base: a distribution over vectors.
        shape: the event shape.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, base: Distribution, shape: tuple[int, ...]) -> None:
        self.base, self.shape = base, Size(shape)
        self.has_rsample = base.has_rsample
        super().__init__(base.batch_shape, self.shape, validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real

    @property
    def mean(self) -> Tensor:
        return self._laid_out(self.base.mean)

    @property
    def variance(self) -> Tensor:
        return self._laid_out(self.base.variance)

    @property
    def center(self) -> Tensor:
        return self._laid_out(center(self.base))

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        return self._laid_out(self.base.rsample(Size(sample_shape)))

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        return self._laid_out(self.base.sample(Size(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        return self.base.log_prob(value.reshape(*value.shape[: value.ndim - len(self.shape)], -1))

    def tempered(self, temperature: float) -> Distribution:
        return Shaped(tempered(self.base, temperature), tuple(self.shape))

    def _laid_out(self, value: Tensor) -> Tensor:
        assert value.shape[-1] == math.prod(self.shape)
        return value.reshape(*value.shape[:-1], *self.shape)


def shaped(base: Distribution, shape: tuple[int, ...]) -> Distribution:
    """`base` itself where the events are vectors already."""
    return base if len(shape) == 1 else Shaped(base, shape)


def center(distribution: Distribution) -> Tensor:
    """The one value that stands for a distribution: its mean, or where the mean is no possible value or unknown, what
    the distribution names as its `center`."""
    value = getattr(distribution, "center", None)
    return distribution.mean if value is None else value


class Tempered(Distribution):
    """Draws whose distance from the mean is scaled by a temperature; below 1 they are more typical."""

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, base: Distribution, temperature: float) -> None:
        self.base, self.temperature = base, temperature
        super().__init__(base.batch_shape, base.event_shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.base.mean

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        mean = self.base.mean
        return mean + self.temperature * (self.base.sample(Size(sample_shape)) - mean)


def tempered(distribution: Distribution, temperature: float) -> Distribution:
    """A distribution with its spread scaled: by the distribution's own `tempered`, else about its mean.

    Raises:
        UserError: a temperature that is negative or not finite.
    """
    if not 0 <= temperature < math.inf:
        raise UserError(f"temperature is at least 0 and finite; {temperature} came.")
    if temperature == 1.0:
        return distribution
    own = getattr(distribution, "tempered", None)
    return Tempered(distribution, temperature) if own is None else own(temperature)


@register_kl(Shaped, Shaped)
def _kl_shaped(q: Shaped, p: Shaped) -> Tensor:
    return kl_divergence(q.base, p.base)
