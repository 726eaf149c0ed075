"""DiscretizedLogistic: a logistic density summed over the bins of a grid; a mass of integer data."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size


def to_level(x: Tensor, levels: int) -> Tensor:
    """The number k of the grid value k / (levels - 1) that is nearest to x, as a float."""
    return (x * (levels - 1)).round().clamp(0, levels - 1)


def log_mass(x: Tensor, loc: Tensor, scale: Tensor, levels: int) -> Tensor:
    """log of the logistic's mass in x's bin; the first and the last bin reach to infinity. Broadcasts.

    With bin edges a < b in units of the scale, sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b)):
    a sum of three logarithms, none of which cancels or underflows, so tails and their gradients stay exact.
    """
    level = to_level(x, levels)
    centered, spread = level - loc * (levels - 1), scale * (levels - 1)
    log_below = F.logsigmoid((centered + 0.5) / spread)
    log_above = F.logsigmoid((0.5 - centered) / spread)
    log_width = torch.log(-torch.expm1(-1 / spread))
    inside = log_below + log_above + log_width
    return torch.where(level <= 0, log_below, torch.where(level >= levels - 1, log_above, inside))


def clipped_mean(loc: Tensor, scale: Tensor) -> Tensor:
    """Mean of the logistic clipped to [0, 1], in closed form: the discretized mean to within half a level.

    The discretized mean is the midpoint rule, one step a level, of the integral of the survival function over [0, 1].
    """
    return scale * (F.softplus(loc / scale) - F.softplus((loc - 1) / scale))


def draw(loc: Tensor, scale: Tensor, levels: int) -> Tensor:
    """One draw on the grid for each element."""
    u = torch.rand_like(loc)
    return to_level(loc + scale * (u.log() - (-u).log1p()), levels) / (levels - 1)


class DiscretizedLogistic(Distribution):
    """The mass that a logistic(loc, scale) gives to the bins around k / (levels - 1); elementwise.

    Kingma et al., "Improved Variational Inference with Inverse Autoregressive Flow", 2016. The edge bins take the
    tails, so the masses sum to exactly 1. `log_prob` rounds its argument to the grid.

    Args:
        loc, scale: of the logistic, in units of x; they broadcast.
        levels: number of grid values in [0, 1].
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.unit_interval

    def __init__(self, loc: Tensor, scale: Tensor, levels: int = 256) -> None:
        self.loc, self.scale = torch.broadcast_tensors(loc, scale)
        self.levels = levels
        super().__init__(self.loc.shape, validate_args=False)

    def expand(self, batch_shape: _size, _instance: Distribution | None = None) -> DiscretizedLogistic:
        return DiscretizedLogistic(self.loc.expand(batch_shape), self.scale.expand(batch_shape), self.levels)

    def log_prob(self, value: Tensor) -> Tensor:
        return log_mass(value, self.loc, self.scale, self.levels)

    @property
    def mean(self) -> Tensor:
        """The mean to within half a level; see `clipped_mean`."""
        return clipped_mean(self.loc, self.scale)

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        shape = self._extended_shape(Size(sample_shape))
        return draw(self.loc.expand(shape), self.scale.expand(shape), self.levels)
