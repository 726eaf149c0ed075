"""Renyi: the bounds between the ELBO and log p(x), and beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaekit.errors import UserError
from vaekit.objectives.iwae import bound_loss, iwae_bound
from vaekit.objectives.objective import Loss, Objective
from vaekit.objectives.requirements import require_density

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


class Renyi(Objective):
    """1 / (1 - alpha) log 1/K sum_k (p(x, z_k) / q(z_k|x))^(1 - alpha).

    Li and Turner, "Renyi Divergence Variational Inference", 2016. alpha = 1 is the ELBO, alpha = 0 IWAE; below 0 the
    value lies above log p(x) as K grows and is no bound; towards minus infinity the best sample alone counts (VR-max).

    Args:
        alpha: order of the divergence.
        num_samples: K.

    Raises:
        UserError: num_samples below 1.
    """

    is_coupled = False

    def __init__(self, alpha: float = 0.5, *, num_samples: int = 5) -> None:
        super().__init__()
        if num_samples < 1:
            raise UserError(f"Renyi takes num_samples of at least 1; {num_samples} came.")
        self.alpha, self.num_samples = alpha, num_samples

    def check(self, model: Model) -> None:
        require_density(model, "Renyi")

    def forward(self, trace: Trace) -> Loss:
        log_w, power = trace.log_w, 1.0 - self.alpha
        if abs(power) < 1e-6:  # the limit; the formula divides by zero
            return bound_loss(trace, log_w.mean(0))
        return bound_loss(trace, iwae_bound(power * log_w) / power)
