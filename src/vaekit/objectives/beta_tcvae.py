"""BetaTCVAE: the KL taken apart, and its total correlation weighed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.distributions import Normal

from vaekit.errors import UserError, did_you_mean
from vaekit.objectives.objective import Loss, Objective, halves
from vaekit.objectives.requirements import factors, require_factorized
from vaekit.objectives.schedules import Schedule

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace

SAMPLINGS = ("weighted", "stratified")


class BetaTCVAE(Objective):
    """E_q[log p(x|z)] - alpha * I(x; z) - beta * TC(z) - gamma * sum_j KL(q(z_j) || p(z_j)).

    Chen et al., "Isolating Sources of Disentanglement in Variational Autoencoders", 2018. The three sum to the KL.
    q(z) is estimated from the batch. The logged `mutual_information`, `total_correlation` and `dimension_kl` are
    those of stratified sampling in either case: those of weighted sampling are off by (D - 1) log N.

    Args:
        alpha, beta, gamma: weights, numbers or schedules.
        sampling: of q(z) for the gradient: "weighted" (the paper's experiments) counts all examples of the batch
            alike; "stratified" is unbiased for q(z): the example that z came from counts as one of N.

    Raises:
        UserError: an unknown sampling.
    """

    def __init__(
        self,
        *,
        alpha: float | Schedule = 1.0,
        beta: float | Schedule = 6.0,
        gamma: float | Schedule = 1.0,
        sampling: Literal["weighted", "stratified"] = "weighted",
    ) -> None:
        super().__init__()
        if sampling not in SAMPLINGS:
            raise UserError(
                f'BetaTCVAE has no sampling "{sampling}". {did_you_mean(str(sampling), list(SAMPLINGS))}'
            )
        self.alpha, self.beta, self.gamma, self.sampling = alpha, beta, gamma, sampling

    def check(self, model: Model) -> None:
        require_factorized(model, "BetaTCVAE")

    def forward(self, trace: Trace) -> Loss:
        (layer,) = trace.layers
        q = factors(layer)
        assert q is not None
        distortion, _, terms = halves(trace)
        z, num = layer.z[0], max(self.num_examples, layer.z.shape[1])
        log_qz_x, log_pz = layer.log_qz[0], layer.log_pz[0]
        pairs = pairwise_log_prob(q, z)
        parts = {}
        for sampling in dict.fromkeys(("stratified", self.sampling)):
            weights = log_weights(len(z), num, sampling).to(pairs)
            log_qz = (pairs.sum(-1) + weights).logsumexp(1)
            log_qz_j = (pairs + weights.unsqueeze(-1)).logsumexp(1).sum(-1)
            parts[sampling] = (log_qz_x - log_qz, log_qz - log_qz_j, log_qz_j - log_pz)
        mutual, correlation, dimension = parts[self.sampling]
        total = (
            distortion
            + self.weight(self.alpha) * mutual
            + self.weight(self.beta) * correlation
            + self.weight(self.gamma) * dimension
        )
        names = ("mutual_information", "total_correlation", "dimension_kl")
        return Loss(total.mean(), terms | dict(zip(names, parts["stratified"], strict=True)))


def pairwise_log_prob(q: Normal, z: Tensor) -> Tensor:
    """log q(z_i|x_j) of each dimension, (B, D) to (B, B, D): draws i down, examples j across."""
    loc, scale = q.loc.unsqueeze(0), q.scale.unsqueeze(0)
    return -(((z.unsqueeze(1) - loc) / scale) ** 2) / 2 - scale.log() - math.log(2 * math.pi) / 2


def log_weights(num_batch: int, num_examples: int, sampling: str) -> Tensor:
    """log of what q(z_i|x_j) counts in the estimate of q(z_i), (B, B).

    "stratified": q(z) = 1/N q(z|own x) + (N - 1)/N E[q(z|other x)], the expectation over the B - 1 others of the
    batch. The paper's unequal weights have the same mean; equal ones have less variance.
    """
    if sampling == "weighted" or num_batch == 1:
        return torch.full((num_batch, num_batch), -math.log(num_examples * num_batch))
    other = (num_examples - 1) / (num_examples * (num_batch - 1))
    weights = torch.full((num_batch, num_batch), math.log(other))
    return weights.fill_diagonal_(-math.log(num_examples))
