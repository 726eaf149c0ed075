"""HamiltonianPosterior: a posterior moved towards p(z|x) by Hamiltonian dynamics."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vaekit.conditional import Likelihood, Posterior, Prior
from vaekit.distributions.hamiltonian import Hamiltonian
from vaekit.errors import UserError

# Leapfrog diverges where step_size^2 times the curvature of log p(x, z) exceeds 4.
MAX_STEP = 0.5


class HamiltonianPosterior(Posterior):
    """q(z|x): a draw of another posterior, moved by tempered leapfrog steps along log p(x, z). Caterini et al.,
    "Hamiltonian Variational Auto-Encoder", 2018.

    Pass the model's own prior and likelihood; they are shared. Step sizes, one a dimension, and the tempering are
    learned. Only the density of position and momentum together is known, so a rate is that of both: an upper bound of
    the rate of z. Any bound of log p(x) is as valid as with another posterior.

    Args:
        posterior: where trajectories begin, a density over real numbers.
        prior: the model's.
        likelihood: the model's.
        num_leapfrog: steps K of a trajectory; each costs two passes through the decoder.
        step_size: at the start of training, below 0.5.
        tempering: beta_0 at the start of training, above 0 and at most 1; 1 for none, and then it stays.

    Raises:
        UserError: parts that do not fit, or a number out of range.
    """

    is_exact = False

    def __init__(
        self,
        posterior: Posterior,
        prior: Prior,
        likelihood: Likelihood,
        *,
        num_leapfrog: int = 3,
        step_size: float = 0.05,
        tempering: float = 0.9,
    ) -> None:
        super().__init__()
        if not (posterior.is_density and posterior.is_exact and posterior.support == prior.support == "real"):
            raise UserError(
                "HamiltonianPosterior moves real numbers from a known density; "
                f"{type(posterior).__name__} with {type(prior).__name__} gives none. Use DiagonalGaussian."
            )
        if not prior.is_exact or prior.context_shape is not None:
            raise UserError(
                f"HamiltonianPosterior needs the gradient of log p(z), and {type(prior).__name__} gives none without a "
                "context or an estimate; use StandardNormal, MixturePrior or FlowPrior."
            )
        if num_leapfrog < 1 or not 0 < step_size < MAX_STEP or not 0 < tempering <= 1:
            raise UserError(
                f"HamiltonianPosterior takes at least 1 step, a step size between 0 and {MAX_STEP} and a tempering "
                f"above 0 and at most 1; {num_leapfrog}, {step_size} and {tempering} came."
            )
        self.posterior, self.prior, self.likelihood = posterior, prior, likelihood
        self.event_shape, self.num_leapfrog = posterior.event_shape, num_leapfrog
        self.condition = max(part.condition for part in (posterior, prior, likelihood))
        share = step_size / MAX_STEP
        self.raw_step = nn.Parameter(torch.full(self.event_shape, math.log(share / (1 - share))))
        self.is_tempered = tempering < 1
        if self.is_tempered:
            self.raw_tempering = nn.Parameter(torch.tensor(math.log(tempering / (1 - tempering))))

    def check(self, prior: Prior, likelihood: Likelihood | None) -> None:
        if prior is not self.prior or likelihood is not self.likelihood:
            raise UserError(
                "HamiltonianPosterior moves along log p(x, z) of a VAE, and was given another prior or likelihood than "
                "the model; build them once and pass them to both."
            )

    @property
    def step_size(self) -> Tensor:
        """Of each dimension, (*latent)."""
        return MAX_STEP * torch.sigmoid(self.raw_step)

    @property
    def tempering(self) -> Tensor:
        """beta_0, a scalar."""
        return torch.sigmoid(self.raw_tempering) if self.is_tempered else torch.ones_like(self.raw_step.sum())

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Hamiltonian:
        assert context is not None
        x = context

        def given(part: Posterior | Prior | Likelihood) -> Tensor | None:
            return condition if part.condition else None

        def log_joint(z: Tensor) -> Tensor:
            log_pz = self.prior(None, given(self.prior)).log_prob(z)
            return log_pz + self.likelihood(z, given(self.likelihood)).log_prob(x)

        base = self.posterior(x, given(self.posterior))
        return Hamiltonian(base, log_joint, self.step_size, self.tempering, self.num_leapfrog)
