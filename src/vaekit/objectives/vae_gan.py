"""VAEGAN: a discriminator's features take the place of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.nets.net import Net
from vaekit.objectives.discriminator import Discriminator, fooling
from vaekit.objectives.divergence import prior_draws
from vaekit.objectives.objective import Loss, Objective
from vaekit.objectives.requirements import require_density, require_one_layer

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


class VAEGAN(Objective):
    """KL + |f(x) - f(x~)|^2 / 2 + a GAN, f the features of its discriminator, x~ the decoded mean.

    Larsen et al., "Autoencoding beyond Pixels Using a Learned Similarity Metric", 2016. The encoder lowers KL and
    feature error; the decoder gamma times the feature error and what fools the discriminator with reconstructions and
    with samples (-log D, in place of the paper's log(1 - D), whose gradient vanishes where D wins); the discriminator
    lowers its own mistakes. The logged `elbo` and `distortion` are those of the model's likelihood.

    Args:
        discriminator: network that takes x; its output is f.
        gamma: weight of the feature error for the decoder, against the GAN.

    Raises:
        UserError: a negative gamma.
    """

    is_coupled = False

    def __init__(self, discriminator: Net, *, gamma: float = 0.01) -> None:
        super().__init__()
        if gamma < 0:
            raise UserError(f"VAEGAN takes a gamma of at least 0; {gamma} came.")
        self.discriminator = Discriminator(discriminator)
        self.gamma = gamma

    def check(self, model: Model) -> None:
        require_density(model, "VAEGAN")
        require_one_layer(model, "VAEGAN")
        self.discriminator.require_input(model.likelihood.event_shape, "x")

    def forward(self, trace: Trace) -> Loss:
        (layer,) = trace.layers
        judge, x, rate = self.discriminator, trace.x, trace.kl
        with torch.no_grad():
            target = judge(x)[1]
        error = feature_error(target, judge.frozen(trace.px.mean[0])[1])
        # The decoder's own share: codes that pass no gradient on to the encoder.
        decoded = self.model.decode(layer.z[0].detach(), trace.y).mean
        sampled = self.model.decode(prior_draws(layer), trace.y).mean
        logit, features = judge.frozen(decoded)
        for_decoder = (self.gamma - 1) * feature_error(target, features).mean()
        for_decoder = for_decoder + fooling(logit) + fooling(judge.frozen(sampled)[0])
        mistakes = judge.loss(x, decoded, sampled)
        total = (rate + error).mean() + for_decoder + mistakes
        distortion = -trace.log_px.detach().mean(0)
        terms = {"elbo": -distortion - rate.detach(), "distortion": distortion, "rate": rate}
        return Loss(total, terms | {"feature_error": error, "discriminator": mistakes.expand_as(rate)})


def feature_error(a: Tensor, b: Tensor) -> Tensor:
    """Half the squared distance of features (B, ...), (B,): a Gaussian of spread 1, up to its constant."""
    return (a - b).square().flatten(1).sum(-1) / 2
