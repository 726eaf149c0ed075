"""WAE and InfoVAE: the aggregate posterior is drawn to the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.objectives.divergence import Divergence, prior_draws
from vaekit.objectives.mmd import MMD
from vaekit.objectives.objective import Loss, Objective, halves
from vaekit.objectives.requirements import require_density, require_vector
from vaekit.objectives.schedules import Schedule

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


class WAE(Objective):
    """E[-log p(x|z)] + weight * divergence(q(z), p(z)), no KL for each x; posteriors may be deterministic.

    Tolstikhin et al., "Wasserstein Auto-Encoders", 2018, with `MMD` or `Adversarial`; with `Adversarial` it is the
    adversarial autoencoder (Makhzani et al., 2016), with `SlicedWasserstein` that of Kolouri et al. (2019).

    Args:
        divergence: between codes and draws of the prior; MMD() by default.
        weight: lambda, a number or a schedule.

    Raises:
        UserError: a negative weight.
    """

    def __init__(self, divergence: Divergence | None = None, *, weight: float | Schedule = 10.0) -> None:
        super().__init__()
        if isinstance(weight, int | float) and weight < 0:
            raise UserError(f"WAE takes a weight of at least 0; {weight} came.")
        self.divergence = divergence or MMD()
        self.lambda_ = weight

    def check(self, model: Model) -> None:
        require_vector(model, "WAE")
        self.divergence.check(model)

    def forward(self, trace: Trace) -> Loss:
        distortion = -trace.log_px.mean(0)
        apart, own = apart_from_prior(self.divergence, trace)
        total = distortion.mean() + self.weight(self.lambda_) * apart + own
        return Loss(total, {"distortion": distortion, "divergence": apart.expand_as(distortion)})


class InfoVAE(Objective):
    """E[-log p(x|z)] + (1 - alpha) * KL(q(z|x) || p(z)) + (alpha + lambda - 1) * divergence(q(z), p(z)).

    Zhao, Song and Ermon, "InfoVAE: Balancing Learning and Inference in Variational Autoencoders", 2019. alpha = 1
    leaves the KL out (their MMD-VAE); alpha = 0 and lambda = 1 is the VAE.

    Args:
        divergence: between codes and draws of the prior; MMD(kernel="rbf") by default.
        alpha: weight of the mutual information of x and z that is not paid for.
        lambda_: weight of the distance between q(z) and p(z).

    Raises:
        UserError: weights of KL or divergence below 0.
    """

    def __init__(
        self, divergence: Divergence | None = None, *, alpha: float = 0.0, lambda_: float = 1000.0
    ) -> None:
        super().__init__()
        if alpha > 1 or alpha + lambda_ < 1:
            raise UserError(
                "InfoVAE weighs the KL by 1 - alpha and the divergence by alpha + lambda_ - 1, both at least 0; "
                f"alpha={alpha}, lambda_={lambda_} came."
            )
        self.divergence = divergence or MMD(kernel="rbf")
        self.alpha, self.lambda_ = alpha, lambda_

    def check(self, model: Model) -> None:
        require_density(model, "InfoVAE")
        require_vector(model, "InfoVAE")
        self.divergence.check(model)

    def forward(self, trace: Trace) -> Loss:
        distortion, rate, terms = halves(trace)
        apart, own = apart_from_prior(self.divergence, trace)
        total = distortion.mean() + (1 - self.alpha) * rate.mean() + (self.alpha + self.lambda_ - 1) * apart
        return Loss(total + own, terms | {"divergence": apart.expand_as(rate)})


def apart_from_prior(divergence: Divergence, trace: Trace) -> tuple[Tensor, Tensor]:
    """The divergence of the batch's codes from the prior, and the loss of the divergence's own weights, 0 for none."""
    (layer,) = trace.layers
    z, prior = layer.z[0], prior_draws(layer)
    own = divergence.own_loss(z, prior)
    return divergence(z, prior), torch.zeros_like(z[0, 0]) if own is None else own
