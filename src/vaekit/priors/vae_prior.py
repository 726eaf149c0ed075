"""VAEPrior: a second VAE as the prior, its data the codes of the first."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from vaekit.conditional import Likelihood, Posterior, Prior
from vaekit.distributions.shaped import tempered
from vaekit.errors import UserError
from vaekit.trace import Layer, Trace


class Marginal(Distribution):
    """p(z) = E_{p(u)} p(z|u), drawn exactly and scored by an estimate.

    `log_prob` is log 1/K sum_k p(z|u_k) p(u_k) / q(u_k|z) with fresh u_k ~ q(u|z). Its exponential is unbiased for
    p(z), so importance weights that it enters stay unbiased, and by Jensen's inequality it lies below log p(z) on
    average, so a lower bound of log p(x) stays one. Burda et al., "Importance Weighted Autoencoders", 2016.

    Args:
        part: the second VAE.
        condition: (*batch, F), or None.
        num_samples: K; 0 for the evidence lower bound with one draw, its KL in closed form where there is one.
        temperature: of draws; below 1 both u and z given u keep closer to their means.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(
        self, part: VAEPrior, condition: Tensor | None, num_samples: int, temperature: float = 1.0
    ) -> None:
        self.part, self.condition = part, condition
        self.num_samples, self.temperature = num_samples, temperature
        batch = Size() if condition is None else condition.shape[:-1]
        super().__init__(batch, Size(part.event_shape), validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real

    @property
    def center(self) -> Tensor:
        """What the mean of p(u) is decoded to; the mean itself has no closed form."""
        u = self.part.prior(None).mean
        return self.part.restored(self._given(u.expand(*self.batch_shape, *u.shape), self.condition).mean)

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        u = tempered(self.part.prior(None), self.temperature).sample(Size(sample_shape) + self.batch_shape)
        return self.part.restored(tempered(self._given(u, self.condition), self.temperature).sample())

    def log_prob(self, value: Tensor) -> Tensor:
        num = value.ndim - len(self.event_shape)
        lead = torch.broadcast_shapes(value.shape[:num], self.batch_shape)
        z = ((value - self.part.shift) / self.part.stretch).expand(*lead, *self.event_shape)
        z, y = z.reshape(-1, *self.event_shape), self.condition
        y = None if y is None else y.expand(*lead, -1).reshape(-1, y.shape[-1])
        qu = self.part.posterior(z, y if self.part.posterior.condition else None)
        u = qu.rsample((max(1, self.num_samples),))
        trace = Trace(z, [Layer(u, qu, self.part.prior(None))], self._given(u, y))
        if self.num_samples:
            bound = trace.log_w.logsumexp(0) - math.log(self.num_samples)
        else:
            bound = trace.log_px[0] - trace.kl
        return bound.reshape(lead) - self.part.stretch.log().sum()

    def tempered(self, temperature: float) -> Marginal:
        return Marginal(self.part, self.condition, self.num_samples, temperature)

    def _given(self, u: Tensor, y: Tensor | None) -> Distribution:
        return self.part.likelihood(u, y if self.part.likelihood.condition else None)


class VAEPrior(Prior):
    """p(z) = E_{p(u)} p(z|u): a VAE of the codes z, with latents u of its own. Dai and Wipf, "Diagnosing and Enhancing
    VAE Models", 2019, where it is the second of two stages: `fit_prior` trains it on the codes of a trained model.

    Its density is not known: in evaluation `log_prob` is an importance-weighted estimate of it, below log p(z) on
    average, in training the evidence lower bound. So a rate under it is no smaller than the true one, on average.

    Args:
        posterior: q(u|z), its network taking z.
        prior: p(u).
        likelihood: p(z|u), its network taking u.
        num_samples: draws K of u behind each value of log p(z) in evaluation.

    Raises:
        UserError: the three do not fit each other, or q(u|z) has no density.
    """

    is_exact = False
    shift: Tensor
    stretch: Tensor

    def __init__(
        self, posterior: Posterior, prior: Prior, likelihood: Likelihood, *, num_samples: int = 8
    ) -> None:
        super().__init__()
        if num_samples < 1:
            raise UserError(f"VAEPrior takes num_samples of at least 1; {num_samples} came.")
        shapes = {posterior.event_shape, prior.event_shape, likelihood.context_shape}
        if len(shapes) > 1 or not posterior.is_density:
            raise UserError(
                "VAEPrior needs a q(u|z) with a density, and the same shape of u in its three parts; "
                f"{type(posterior).__name__} and shapes {sorted(shapes)} came."
            )
        widths = {part.condition for part in (posterior, likelihood)} - {0}
        if len(widths) > 1 or prior.condition or prior.context_shape is not None:
            raise UserError(
                "VAEPrior conditions q(u|z) and p(z|u) on the same features and p(u) on nothing; give them the same "
                "condition."
            )
        prior.check(posterior)
        posterior.check(prior, likelihood)
        self.posterior, self.prior, self.likelihood = posterior, prior, likelihood
        self.num_samples, self.condition = num_samples, max(widths, default=0)
        self.event_shape = likelihood.event_shape
        self.register_buffer("shift", torch.zeros(self.event_shape))
        self.register_buffer("stretch", torch.ones(self.event_shape))

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> Marginal:
        if self.condition and condition is None:
            raise UserError(f"VAEPrior was built for a condition of {self.condition} features; none came.")
        num_samples = 0 if self.training and torch.is_grad_enabled() else self.num_samples
        return Marginal(self, condition if self.condition else None, num_samples)

    def restored(self, z: Tensor) -> Tensor:
        """Codes of spread 1 as the model has them."""
        return self.shift + self.stretch * z

    @torch.no_grad()
    def standardize(self, z: Tensor) -> None:
        """Let the second VAE see codes z (N, *latent) with mean 0 and spread 1."""
        self.shift.copy_(z.mean(0))
        self.stretch.copy_(z.std(0).clamp(min=1e-6))
