"""VonMisesFisher and SphereUniform: distributions of unit vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Size, Tensor
from torch.distributions import Beta, Distribution, constraints
from torch.distributions.kl import register_kl
from torch.types import _size

import vaekit.ranks as ranks
from vaekit.distributions.bessel import bessel_ratio, log_scaled_bessel
from vaekit.errors import UserError

NODES, WEIGHTS = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(64))
REACH = 14.0
"""Spreads of the polar angle that the quadrature covers; beyond lies less than 1e-16 of the mass."""


class VonMisesFisher(Distribution):
    """p(z) proportional to exp(kappa mu^T z) on the unit sphere of D dimensions. Davidson et al., "Hyperspherical
    Variational Auto-Encoders", 2018.

    Args:
        loc: mu, unit vectors (*batch, D).
        concentration: kappa >= 0, (*batch,).
    """

    arg_constraints = {}  # noqa: RUF012
    has_rsample = True

    def __init__(self, loc: Tensor, concentration: Tensor) -> None:
        self.loc, self.concentration, self.dim = loc, concentration, loc.shape[-1]
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real_vector

    @property
    def mean(self) -> Tensor:
        """A(kappa) mu, inside the sphere."""
        return self.loc * self.mean_length.to(self.loc.dtype).unsqueeze(-1)

    @property
    def center(self) -> Tensor:
        """mu: the mean direction, on the sphere."""
        return self.loc

    @property
    def mean_length(self) -> Tensor:
        """A(kappa) = I_{D/2}(kappa) / I_{D/2-1}(kappa), in float64."""
        return bessel_ratio(self.dim / 2 - 1, self.concentration)

    @property
    def log_normalizer(self) -> Tensor:
        """-log of the integral of exp(kappa mu^T z) over the sphere, in float64."""
        log_bessel = log_scaled_bessel(self.dim / 2 - 1, self.concentration)
        return -log_bessel - 0.5 * self.dim * math.log(2 * math.pi)

    def log_prob(self, value: Tensor) -> Tensor:
        cosine = (self.loc * value).sum(-1)
        return (self.concentration * cosine + self.log_normalizer).to(value.dtype)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """mu weighed with a direction across it: w mu + sqrt(1 - w^2) v, w the cosine of the angle to mu."""
        shape = self._extended_shape(Size(sample_shape))
        precise = torch.float32 if self.loc.device.type == "mps" else torch.float64
        loc, kappa = self.loc.to(precise).expand(shape), self.concentration.to(precise).expand(shape[:-1])
        w = Cosine.apply(kappa, self.dim).unsqueeze(-1)
        noise = torch.randn_like(loc)
        across = F.normalize(noise - (noise * loc).sum(-1, keepdim=True) * loc, dim=-1)
        z = w * loc + torch.sqrt((1 - w.square()).clamp(min=1e-30)) * across
        return z.to(self.loc.dtype)


class Cosine(torch.autograd.Function):
    """Draws of w = mu^T z by the rejection of Wood, "Simulation of the von Mises Fisher Distribution", 1994, with the
    implicit gradient dw/dkappa = -(dF/dkappa) / p(w), F the distribution function (Figurnov et al., "Implicit
    Reparameterization Gradients", 2018). The gradient through the accepted proposal alone would be biased."""

    @staticmethod
    def forward(ctx: Any, kappa: Tensor, dim: int) -> Tensor:
        w = draw_cosine(kappa.detach(), dim)
        ctx.dim = dim
        ctx.save_for_backward(kappa, w)
        return w

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        kappa, w = ctx.saved_tensors
        return grad * cosine_slope(kappa, w, ctx.dim), None


def draw_cosine(kappa: Tensor, dim: int) -> Tensor:
    """w of density proportional to exp(kappa w) (1 - w^2)^((D - 3) / 2) on [-1, 1], shaped like kappa."""
    m = dim - 1
    root = torch.sqrt(4 * kappa.square() + m * m)
    b = m / (2 * kappa + root)
    a = (m + 2 * kappa + root) / 4
    d = 4 * a * b / (1 + b) - m * math.log(m)
    half = torch.full_like(kappa, m / 2)
    proposal = Beta(half, half, validate_args=False)
    w, is_open = torch.zeros_like(kappa), torch.ones_like(kappa, dtype=torch.bool)
    while ranks.anywhere(is_open):  # so that processes that share a batch draw equally often
        e = proposal.sample()
        t = 2 * a * b / (1 - (1 - b) * e)
        accepted = m * torch.log(t) - t + d >= torch.log(torch.rand_like(kappa))
        w = torch.where(is_open & accepted, (1 - (1 + b) * e) / (1 - (1 - b) * e), w)
        is_open = is_open & ~accepted
    return w.clamp(-1, 1)


def cosine_slope(kappa: Tensor, w: Tensor, dim: int) -> Tensor:
    """dw/dkappa at fixed F(w; kappa) = -1/p(w) times the integral of (t - A) p(t) from -1 to w.

    In the angle t = cos(theta) the density is exp(h), h = kappa cos(theta) + (D - 2) log sin(theta), without a
    singularity; the integral is taken on the side of theta that lies away from the mode, where exp(h) falls.
    """
    angle = torch.acos(w.clamp(-1 + 1e-15, 1 - 1e-15))
    # At the mode kappa sin^2 = (D - 2) cos, which gives its cosine without cancellation:
    half = (dim - 2) / 2
    mode = torch.acos((kappa / (half + torch.sqrt(half * half + kappa.square()))).clamp(0, 1))
    width = REACH / torch.sqrt(torch.maximum(kappa, torch.full_like(kappa, max(dim - 2.0, 0.25))))
    to_right = angle >= mode
    end = torch.where(to_right, (angle + width).clamp(max=math.pi), (angle - width).clamp(min=0.0))
    nodes, weights = (v.to(kappa) for v in (NODES, WEIGHTS))
    theta = angle.unsqueeze(-1) + (end - angle).unsqueeze(-1) * (nodes + 1) / 2

    def h(theta: Tensor, k: Tensor) -> Tensor:
        return k * torch.cos(theta) + (dim - 2) * torch.log(torch.sin(theta).clamp(min=1e-300))

    relative = torch.exp(h(theta, kappa.unsqueeze(-1)) - h(angle, kappa).unsqueeze(-1))
    mean = bessel_ratio(dim / 2 - 1, kappa).to(kappa.dtype).unsqueeze(-1)
    total = ((torch.cos(theta) - mean) * relative * weights).sum(-1) * (end - angle).abs() / 2
    return torch.sin(angle) * torch.where(to_right, -total, total)


class SphereUniform(Distribution):
    """The uniform distribution on the unit sphere of D dimensions.

    Args:
        like: a tensor (D,) whose type and device the draws take.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, like: Tensor) -> None:
        self.like, self.dim = like, len(like)
        super().__init__(Size(), Size([self.dim]), validate_args=False)

    @property
    def log_area(self) -> float:
        return math.log(2) + 0.5 * self.dim * math.log(math.pi) - math.lgamma(self.dim / 2)

    @property
    def mean(self) -> Tensor:
        return torch.zeros_like(self.like)

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        noise = torch.randn(*sample_shape, self.dim, device=self.like.device, dtype=self.like.dtype)
        return F.normalize(noise, dim=-1)

    def log_prob(self, value: Tensor) -> Tensor:
        return value.new_full(value.shape[:-1], -self.log_area)

    def tempered(self, temperature: float) -> SphereUniform:
        raise UserError("Every point of the sphere is equally likely, so a temperature has nothing to scale.")


@register_kl(VonMisesFisher, SphereUniform)
def _kl_sphere(q: VonMisesFisher, p: SphereUniform) -> Tensor:
    """kappa A(kappa) + log normalizer + log area, (*batch,); equation 2 of Davidson et al."""
    kl = q.concentration.to(q.mean_length) * q.mean_length + q.log_normalizer + p.log_area
    return kl.to(q.loc.dtype)
