"""FactorVAE: the total correlation of the codes, from a discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.nets.net import Net
from vaekit.objectives.discriminator import Discriminator
from vaekit.objectives.objective import Loss, Objective, halves
from vaekit.objectives.requirements import require_factorized
from vaekit.objectives.schedules import Schedule

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


class FactorVAE(Objective):
    """ELBO - gamma * TC(z). Kim and Mnih, "Disentangling by Factorising", 2018.

    A discriminator tells z from codes whose dimensions are permuted over the batch; its logit is log q(z) - log prod_j
    q(z_j), whose mean is the total correlation. The paper trains it on a second batch; here the first half of the
    batch gives the joint codes and the second half the permuted ones, so that the two are independent.

    Args:
        discriminator: network that takes z; MLP(latent, (1000,) * 5, activation="leaky_relu") is the paper's.
        gamma: weight of the total correlation, a number or a schedule.
    """

    def __init__(self, discriminator: Net, *, gamma: float | Schedule = 10.0) -> None:
        super().__init__()
        self.discriminator = Discriminator(discriminator)
        self.gamma = gamma

    def check(self, model: Model) -> None:
        require_factorized(model, "FactorVAE")
        self.discriminator.require_input(model.latent_shape, "z")

    def forward(self, trace: Trace) -> Loss:
        distortion, rate, terms = halves(trace)
        z = trace.layers[0].z[0]
        correlation = self.discriminator.frozen(z)[0]
        half = max(1, len(z) // 2)
        mistakes = self.discriminator.loss(z[:half], permuted(z[-half:].detach()))
        total = (distortion + rate + self.weight(self.gamma) * correlation).mean() + mistakes
        return Loss(
            total, terms | {"total_correlation": correlation, "discriminator": mistakes.expand_as(rate)}
        )


def permuted(z: Tensor) -> Tensor:
    """Each dimension of z (B, D) in an order of its own over the batch: draws of the product of the marginals."""
    return z.gather(0, torch.rand_like(z).argsort(0))
