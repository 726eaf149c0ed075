"""Hamiltonian: where a trajectory of Hamiltonian dynamics ends that starts at a draw of another distribution."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from vaekit.distributions.leapfrog import LogDensity, leapfrog
from vaekit.distributions.shaped import center
from vaekit.errors import UserError


class Hamiltonian(Distribution):
    """z_K, the end of K tempered leapfrog steps from z_0 ~ base and a momentum rho_0 ~ N(0, I / beta_0). Caterini et
    al., "Hamiltonian Variational Auto-Encoder", 2018.

    The density of z_K alone is unknown. That of the pair (z_K, rho_K) is known from drawing it, and `log_prob` of the
    draw just made is log q(z_K, rho_K) - log N(rho_K; 0, I): p(x, z_K) over its exponential is an unbiased estimate of
    p(x), of which the logarithm is the paper's bound.

    Args:
        base: a reparameterized distribution, batch shape (B,).
        log_density: log p(x, z), (C, B, *latent) to (C, B).
        step_size: of each dimension, (*latent).
        tempering: beta_0 at most 1, a scalar; the momentum cools to 1 by the paper's quadratic schedule.
        num_leapfrog: steps K.
    """

    arg_constraints = {}  # noqa: RUF012
    has_rsample = True

    def __init__(
        self, base: Distribution, log_density: LogDensity, step_size: Tensor, tempering: Tensor, num_leapfrog: int
    ) -> None:
        self.base, self.log_density, self.step_size = base, log_density, step_size
        self.tempering, self.num_leapfrog = tempering, num_leapfrog
        self._drawn: tuple[Tensor, Tensor] | None = None
        super().__init__(base.batch_shape, base.event_shape, validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real

    @property
    def mean(self) -> Tensor:
        """Where the trajectory ends that starts at the base's centre and at rest; it stands for the mean, which has no
        closed form."""
        z = center(self.base).unsqueeze(0)
        return self._end(z, torch.zeros_like(z))[0].squeeze(0)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        num = len(self.event_shape)
        start = self.base.rsample(Size(sample_shape))
        noise = torch.randn_like(start)
        z, momentum = self._end(start, noise / self.tempering.sqrt())
        # The Jacobian, beta_0 ** (D / 2), and the start's normalizer cancel, so the noise itself is what counts.
        gain = 0.5 * (momentum.square() - noise.square()).flatten(-num).sum(-1)
        self._drawn = z, self.base.log_prob(start) + gain
        return z

    def log_prob(self, value: Tensor) -> Tensor:
        if self._drawn is None or value is not self._drawn[0]:
            raise UserError(
                "HamiltonianPosterior knows the density of the draw just made alone; use a DiagonalGaussian where "
                "log q(z|x) is asked for at other places."
            )
        return self._drawn[1]

    def factors(self) -> list[Tensor]:
        """sqrt(beta_{k-1} / beta_k) of each step, of product sqrt(beta_0); 1 / sqrt(beta_k) falls with k^2 to 1."""
        inverse = self.tempering.rsqrt()
        shares = [(k / self.num_leapfrog) ** 2 for k in range(self.num_leapfrog + 1)]
        roots = [(1 - inverse) * share + inverse for share in shares]
        return [after / before for before, after in pairwise(roots)]

    def _end(self, z: Tensor, momentum: Tensor) -> tuple[Tensor, Tensor]:
        end, final, _, _ = leapfrog(
            self.log_density,
            z,
            momentum,
            self.step_size,
            self.num_leapfrog,
            factors=self.factors(),
            is_differentiable=torch.is_grad_enabled(),
        )
        return end, final
