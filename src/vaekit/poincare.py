"""The Poincaré ball of curvature -c: all points of norm below 1 / sqrt(c), and the maps to and from tangent spaces.

Tangent vectors are given in an orthonormal frame, so that their length is a hyperbolic distance: with it
exp_map(0, u) = tanh(sqrt(c) |u| / 2) u / (sqrt(c) |u|). Mathieu et al., "Continuous Hierarchical Representations with
Poincaré Variational Auto-Encoders", 2019; Ganea et al., "Hyperbolic Neural Networks", 2018.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaekit.errors import UserError

TINY = 1e-15


def inside(z: Tensor, c: float) -> Tensor:
    """Points (..., D), those at or beyond the border put just inside of it, where distances can still be computed."""
    limit = (1 - 64 * torch.finfo(z.dtype).eps) / math.sqrt(c)
    norm = z.norm(dim=-1, keepdim=True).clamp(min=TINY)
    return torch.where(norm > limit, z * (limit / norm), z)


def mobius_add(x: Tensor, y: Tensor, c: float) -> Tensor:
    """x + y as hyperbolic translation has it, (..., D)."""
    xy, xx, yy = ((a * b).sum(-1, keepdim=True) for a, b in ((x, y), (x, x), (y, y)))
    return ((1 + 2 * c * xy + c * yy) * x + (1 - c * xx) * y) / (1 + 2 * c * xy + c * c * xx * yy).clamp(min=TINY)


def exp_map(x: Tensor, u: Tensor, c: float) -> Tensor:
    """Where the geodesic from x with tangent u ends, (..., D), at hyperbolic distance |u|."""
    norm = math.sqrt(c) * u.norm(dim=-1, keepdim=True).clamp(min=TINY)
    return inside(mobius_add(x, torch.tanh(norm / 2) / norm * u, c), c)


def log_map(x: Tensor, z: Tensor, c: float) -> Tensor:
    """The tangent u at x whose geodesic ends in z, (..., D); the inverse of `exp_map`."""
    y = inside(mobius_add(-x, z, c), c)
    norm = math.sqrt(c) * y.norm(dim=-1, keepdim=True).clamp(min=TINY)
    return 2 * torch.atanh(norm) / norm * y


def log_map_of_origin(z: Tensor, c: float) -> Tensor:
    """`log_map` at x = 0, of any z (..., D): what lies outside of the ball is taken to its border."""
    return log_map(torch.zeros_like(z), inside(z, c), c)


def log_stretch(distance: Tensor, c: float) -> Tensor:
    """log of sinh(t) / t, t = sqrt(c) distance: by how much more a circle grows here than in the plane."""
    t = (math.sqrt(c) * distance).clamp(min=1e-4)
    return t + torch.log(-torch.expm1(-2 * t) / (2 * t))


def require_curvature(curvature: float, latent: int, who: str) -> None:
    """Refuse a ball that is none.

    Raises:
        UserError: a curvature that is not above 0, or no dimension.
    """
    if not isinstance(latent, int) or latent < 1 or not 0 < curvature < math.inf:
        raise UserError(
            f"{who} takes a number of dimensions of at least 1 and a curvature above 0, that of a ball of radius "
            f"1 / sqrt(curvature); latent={latent} and curvature={curvature} came."
        )
