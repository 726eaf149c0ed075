"""CIWAE: between the ELBO and the importance-weighted bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaekit.errors import UserError
from vaekit.objectives.iwae import bound_loss, iwae_bound
from vaekit.objectives.objective import Loss, Objective
from vaekit.objectives.requirements import require_density
from vaekit.objectives.schedules import Schedule

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


class CIWAE(Objective):
    """beta * ELBO + (1 - beta) * IWAE, both of the same K samples.

    Rainforth et al., "Tighter Variational Bounds are Not Necessarily Better", 2018.

    Args:
        num_samples: K.
        beta: share of the ELBO, between 0 (IWAE) and 1 (ELBO), a number or a schedule.

    Raises:
        UserError: num_samples below 1, or a beta outside [0, 1].
    """

    is_coupled = False

    def __init__(self, num_samples: int = 64, *, beta: float | Schedule = 0.5) -> None:
        super().__init__()
        if num_samples < 1 or (not isinstance(beta, Schedule) and not 0 <= beta <= 1):
            raise UserError(
                "CIWAE takes num_samples of at least 1 and a beta between 0 and 1; "
                f"num_samples={num_samples}, beta={beta} came."
            )
        self.num_samples, self.beta = num_samples, beta

    def check(self, model: Model) -> None:
        require_density(model, "CIWAE")

    def forward(self, trace: Trace) -> Loss:
        log_w, beta = trace.log_w, self.weight(self.beta)
        return bound_loss(trace, beta * log_w.mean(0) + (1 - beta) * iwae_bound(log_w))
