"""WrappedNormal: a normal distribution of a tangent space, wrapped onto the Poincaré ball."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, Normal, constraints
from torch.types import _size

from vaekit.poincare import exp_map, log_map, log_stretch


class WrappedNormal(Distribution):
    """z = exp_mu(u), u ~ N(0, diag(scale^2)) in the tangent space at mu. Nagano et al., "A Wrapped Normal Distribution
    on Hyperbolic Space", 2019; Mathieu et al., "Poincaré Variational Auto-Encoders", 2019.

    `log_prob` is with respect to the hyperbolic volume, log N(u; 0, diag(scale^2)) - (D - 1) log(sinh(t) / t) with
    t = sqrt(c) |u|. As c falls to 0 it becomes a normal of 2 z, around 2 mu.

    Args:
        loc: mu, points of the ball (*batch, D).
        scale: (*batch, D), in hyperbolic distance.
        curvature: c, of a ball of radius 1 / sqrt(c).
    """

    arg_constraints = {}  # noqa: RUF012
    has_rsample = True

    def __init__(self, loc: Tensor, scale: Tensor, curvature: float = 1.0) -> None:
        self.loc, self.scale, self.curvature = loc, scale, curvature
        self._drawn: tuple[Tensor, Tensor] | None = None
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real_vector

    @property
    def mean(self) -> Tensor:
        """mu, the Fréchet mean: the point of least mean squared distance."""
        return self.loc

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        shape = self._extended_shape(Size(sample_shape))
        u = self.scale * torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        z = exp_map(self.loc.expand(shape), u, self.curvature)
        self._drawn = z, u  # near the border the way back loses digits
        return z

    def log_prob(self, value: Tensor) -> Tensor:
        if self._drawn is not None and value is self._drawn[0]:
            u = self._drawn[1]
        else:
            u = log_map(self.loc, value, self.curvature)
        log_pu = Normal(0.0, self.scale, validate_args=False).log_prob(u).sum(-1)
        return log_pu - (u.shape[-1] - 1) * log_stretch(u.norm(dim=-1), self.curvature)

    def tempered(self, temperature: float) -> WrappedNormal:
        """Distances from mu scaled."""
        return WrappedNormal(self.loc, temperature * self.scale, self.curvature)
