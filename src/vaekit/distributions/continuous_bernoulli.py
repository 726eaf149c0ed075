"""ContinuousBernoulli: an exponential tilt of the uniform density on [0, 1]."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

# Below this |logit| the closed forms cancel and their series, cut at the order used here, err by less than 1e-11.
SERIES_BELOW = 0.3
# The inverse of the distribution function at a logit of 0 is the identity; this stands in for 0 in its quotient.
TINY_LOGIT = 1e-6


class ContinuousBernoulli(Distribution):
    """p(x) = exp(eta x) eta / (exp(eta) - 1) on [0, 1], with logits eta; elementwise. Loaiza-Ganem, Cunningham, 2019.

    torch's class of this name clamps probabilities to the float's resolution, so that in float32 its density stops
    integrating to 1 for logits beyond 16; everything here is a function of the logits and holds for all of them.

    Args:
        logits: eta, of any shape.

    Example:
        >>> ContinuousBernoulli(torch.tensor(0.0)).log_prob(torch.tensor(0.3)).exp()
        tensor(1.)
    """

    arg_constraints = {"logits": constraints.real}  # noqa: RUF012
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        super().__init__(logits.shape, validate_args=False)

    def expand(self, batch_shape: _size, _instance: Distribution | None = None) -> ContinuousBernoulli:
        return ContinuousBernoulli(self.logits.expand(batch_shape))

    def _split(self) -> tuple[Tensor, Tensor, Tensor]:
        """Whether |eta| is small, eta where it is small (else 0), |eta| where it is large (else 1)."""
        is_small = self.logits.abs() < SERIES_BELOW
        small = torch.where(is_small, self.logits, 0.0)
        large = torch.where(is_small, 1.0, self.logits).abs()
        return is_small, small, large

    def log_prob(self, value: Tensor) -> Tensor:
        is_small, small, large = self._split()
        square = small.square()
        series = small * (value - 0.5) - square / 24 * (1 - square / 120 * (1 - square / 63))
        # Measured from the end with the higher density, so that no two large terms cancel.
        away = torch.where(self.logits > 0, 1 - value, value)
        closed = large.log() - torch.log(-torch.expm1(-large)) - large * away
        return torch.where(is_small, series, closed)

    @property
    def mean(self) -> Tensor:
        is_small, small, large = self._split()
        square = small.square()
        series = 0.5 + small / 12 * (1 - square / 60 * (1 - square / 42))
        upper = -1 / torch.expm1(-large) - 1 / large
        return torch.where(is_small, series, torch.where(self.logits > 0, upper, 1 - upper))

    @property
    def variance(self) -> Tensor:
        is_small, small, large = self._split()
        square = small.square()
        series = 1 / 12 - square / 240 * (1 - square * 10 / 252 * (1 - square * 7 / 200))
        decay = torch.exp(-large)
        return torch.where(is_small, series, large.pow(-2) - decay / torch.expm1(-large).square())

    @property
    def mode(self) -> Tensor:
        """The end with the higher density."""
        return (self.logits > 0).to(self.logits.dtype)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        shape = self._extended_shape(Size(sample_shape))
        u = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
        eta = self.logits.abs().clamp(min=TINY_LOGIT)
        # 1 - x for a positive eta; near u = 1 the sum inside the logarithm may round to just above 1.
        away = (-torch.log1p(u * torch.expm1(-eta)) / eta).clamp(0, 1)
        return torch.where(self.logits > 0, 1 - away, away)
