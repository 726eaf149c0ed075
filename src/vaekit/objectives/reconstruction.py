"""Reconstruction: the loss of a plain autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaekit.objectives.objective import Loss, Objective

if TYPE_CHECKING:
    from vaekit.trace import Trace


class Reconstruction(Objective):
    """-log p(x|z) alone: cross-entropy under Bernoulli, squared error under a fixed-scale Gaussian.

    Nothing shapes the latent space, so the encoder is the purpose and draws from the prior mean little.
    """

    is_coupled = False

    def forward(self, trace: Trace) -> Loss:
        distortion = -trace.log_px.mean(0)
        total, terms = distortion.mean(), {"distortion": distortion}
        if (penalty := trace.penalty) is not None:
            total = total + penalty.mean()
            terms["penalty"] = penalty
        return Loss(total, terms)
