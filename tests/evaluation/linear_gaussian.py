"""A model whose every quantity is known in closed form: p(z) = N(0, I), p(x|z) = N(Wz + b, s^2 I)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vaekit import VAE, StandardNormal
from vaekit.conditional import Likelihood, Posterior
from vaekit.data.dataset import Part
from vaekit.schema import Schema

SCALE = 0.7
WEIGHT = torch.tensor([[1.0, 0.3], [-0.5, 0.8], [0.2, -1.1]], dtype=torch.float64)
SHIFT = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
PRECISION = torch.eye(2, dtype=torch.float64) + WEIGHT.T @ WEIGHT / SCALE**2


class LinearLikelihood(Likelihood):
    """p(x|z) = N(Wz + b, s^2 I)."""

    def __init__(self) -> None:
        super().__init__()
        self.event_shape, self.context_shape = (3,), (2,)
        self.weight = torch.nn.Parameter(WEIGHT.clone())

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        return Independent(Normal(context @ self.weight.T + SHIFT, SCALE), 1)


class LinearPosterior(Posterior):
    """N(mu(x), diag(s^2)): mu the true posterior's mean, s the best diagonal one's times `spread`."""

    def __init__(self, spread: float = 1.0) -> None:
        super().__init__()
        self.event_shape = (2,)
        self.scale = spread * PRECISION.diagonal().rsqrt()

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        loc = (context - SHIFT) @ WEIGHT @ torch.linalg.inv(PRECISION) / SCALE**2
        return Independent(Normal(loc, self.scale.expand_as(loc)), 1)


class TruePosterior(Posterior):
    """p(z|x) itself: every importance weight is the evidence."""

    def __init__(self) -> None:
        super().__init__()
        self.event_shape = (2,)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        covariance = torch.linalg.inv(PRECISION)
        return MultivariateNormal((context - SHIFT) @ WEIGHT @ covariance / SCALE**2, covariance)


def model_with(posterior: Posterior) -> VAE:
    """The linear-Gaussian model in float64."""
    return VAE(posterior, StandardNormal(2), LinearLikelihood()).double()


def evidence() -> MultivariateNormal:
    """p(x) = N(b, W W^T + s^2 I)."""
    return MultivariateNormal(SHIFT, WEIGHT @ WEIGHT.T + SCALE**2 * torch.eye(3, dtype=torch.float64))


class ExactPart(Part):
    """A part in float64, so that closed forms can be met to the last digits."""

    def _x(self, raw: Tensor, generator: torch.Generator | None) -> Tensor:
        return raw.double()


def part_of(x: Tensor, **schema: object) -> Part:
    """Raw values as the model sees them."""
    return ExactPart(x, None, None, Schema("array", (3,), **schema))  # type: ignore[arg-type]
