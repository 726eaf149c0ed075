"""IWAE: the importance-weighted bound, with the standard or the doubly reparameterized gradient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from vaekit.distributions.detached import detached
from vaekit.errors import UserError, did_you_mean
from vaekit.objectives.objective import Loss, Objective
from vaekit.objectives.requirements import require_density, require_one_layer

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace

ESTIMATORS = ("standard", "dreg")


class IWAE(Objective):
    """log 1/K sum_k p(x, z_k) / q(z_k|x). Burda, Grosse and Salakhutdinov, "Importance Weighted Autoencoders", 2016.

    The logged `bound` is this one, `elbo` that of one sample.

    Args:
        num_samples: K; with 1 it is the ELBO, its KL by sampling.
        estimator: of the gradient to the posterior: "standard" differentiates the bound; "dreg" is the doubly
            reparameterized one, equally unbiased, with a signal that does not drown in noise as K grows (Tucker et
            al., "Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives", 2019).

    Raises:
        UserError: num_samples below 1 or an unknown estimator.
    """

    is_coupled = False

    def __init__(self, num_samples: int = 5, *, estimator: Literal["standard", "dreg"] = "standard") -> None:
        super().__init__()
        if num_samples < 1:
            raise UserError(f"IWAE takes num_samples of at least 1; {num_samples} came.")
        if estimator not in ESTIMATORS:
            raise UserError(
                f'IWAE has no estimator "{estimator}". {did_you_mean(str(estimator), list(ESTIMATORS))}'
            )
        self.num_samples, self.estimator = num_samples, estimator

    def check(self, model: Model) -> None:
        require_density(model, "IWAE")
        if self.estimator == "dreg":
            detached(require_one_layer(model, 'IWAE with estimator="dreg"').qz)

    def forward(self, trace: Trace) -> Loss:
        if self.estimator == "standard":
            return bound_loss(trace, iwae_bound(trace.log_w))
        (layer,) = trace.layers
        # Without the score of q's own parameters, which is zero in expectation once the weights are squared:
        log_w = trace.log_px + layer.log_pz - detached(layer.qz).log_prob(layer.z)
        weights = log_w.detach().softmax(0)  # (K, B), of sum one over K
        if layer.z.requires_grad:
            # p's weights get w_k d log w_k; what passes through z gets w_k^2 d log w_k.
            layer.z.register_hook(lambda gradient: gradient * like(weights, gradient))
        return bound_loss(trace, iwae_bound(log_w))


def iwae_bound(log_w: Tensor) -> Tensor:
    """log 1/K sum_k exp(log_w), (K, ...) to (...)."""
    return log_w.logsumexp(0) - math.log(len(log_w))


def like(weights: Tensor, z: Tensor) -> Tensor:
    """Weights (K, B) that multiply z (K, B, *latent)."""
    return weights.reshape(*weights.shape, *(1 for _ in z.shape[weights.ndim :])).to(z.dtype)


def bound_loss(trace: Trace, bound: Tensor, surrogate: Tensor | None = None) -> Loss:
    """The loss of a bound (B,): its negative mean, or that of a surrogate with the gradient that is wanted.

    Terms: `bound`, and the halves of the one-sample bound, so that runs of different objectives compare.
    """
    distortion = -trace.log_px.detach().mean(0)
    with torch.no_grad():
        rate = trace.kl
    total = -bound.mean()
    if surrogate is not None:
        total = total.detach() + (surrogate - surrogate.detach())  # this value, that gradient
    terms = {"bound": bound, "elbo": -distortion - rate, "distortion": distortion, "rate": rate}
    if (penalty := trace.penalty) is not None:
        total = total + penalty.mean()
        terms["penalty"] = penalty
    return Loss(total, terms)
