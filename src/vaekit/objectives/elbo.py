"""ELBO: the evidence lower bound, with beta, warm-up and free bits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from vaekit.errors import UserError
from vaekit.objectives.objective import Loss, Objective
from vaekit.objectives.schedules import Schedule

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


class ELBO(Objective):
    """E_q[log p(x|z)] - beta * KL(q(z|x) || p(z)). Kingma and Welling, 2014.

    The logged `elbo` is the bound itself, whatever beta and free bits are; `loss` is what is minimized.

    Args:
        beta: weight of the KL (Higgins et al., "beta-VAE", 2017), a number or a schedule.
        free_bits: nats that each latent dimension may carry at no cost, on the batch mean of its KL
            (Kingma et al., "Improved Variational Inference with Inverse Autoregressive Flow", 2016).

    Raises:
        UserError: a beta or free_bits that is negative or not finite.
    """

    def __init__(self, *, beta: float | Schedule = 1.0, free_bits: float = 0.0) -> None:
        super().__init__()
        if not 0 <= free_bits < math.inf or not (isinstance(beta, Schedule) or 0 <= beta < math.inf):
            raise UserError(
                f"ELBO takes finite beta and free_bits of at least 0; beta={beta}, free_bits={free_bits} came."
            )
        self.beta, self.free_bits = beta, free_bits
        self.is_coupled = free_bits > 0
        self.is_steady = not isinstance(beta, Schedule) and beta != 1.0

    def check(self, model: Model) -> None:
        if not model.is_density:
            raise UserError(
                "ELBO needs a posterior with a density, and a deterministic one has no KL; "
                "use the objective Reconstruction for an autoencoder, or DiagonalGaussian for a VAE."
            )

    def forward(self, trace: Trace) -> Loss:
        distortion = -trace.log_px.mean(0)
        kls = [layer.kl_per_dimension for layer in trace.layers]
        rates = [kl.sum(-1) for kl in kls]
        rate = torch.stack(rates).sum(0)
        beta = self.weight(self.beta)
        if self.free_bits:
            paid = torch.stack([kl.mean(0).clamp(min=self.free_bits).sum() for kl in kls]).sum()
        else:
            paid = rate.mean()
        total = distortion.mean() + beta * paid
        terms = {"elbo": -distortion - rate, "distortion": distortion, "rate": rate}
        if len(rates) > 1:
            terms |= {f"rate_{i + 1}": r for i, r in enumerate(rates)}
        if (penalty := trace.penalty) is not None:
            total = total + penalty.mean()
            terms["penalty"] = penalty
        return Loss(total, terms)
