"""DIPVAE: the covariance of the codes is drawn to the identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from vaekit.errors import UserError
from vaekit.objectives.objective import Loss, Objective, halves
from vaekit.objectives.requirements import factors, require_factorized
from vaekit.objectives.schedules import Schedule

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


class DIPVAE(Objective):
    """ELBO - lambda_od * sum_{i != j} Cov_ij^2 - lambda_d * sum_i (Cov_ii - 1)^2.

    Kumar, Sattigeri and Balakrishnan, "Variational Inference of Disentangled Latent Concepts from Unlabeled
    Observations", 2018.

    Args:
        kind: "i" takes the covariance of q's means over the batch, "ii" that of z: E[var(z|x)] + Cov(E[z|x]).
        lambda_od: weight of the entries off the diagonal, a number or a schedule.
        lambda_d: weight of the diagonal, a number or a schedule; None for the paper's, 10 lambda_od in kind "i" and
            lambda_od in kind "ii".

    Raises:
        UserError: an unknown kind, or a negative weight.
    """

    def __init__(
        self,
        *,
        kind: Literal["i", "ii"] = "ii",
        lambda_od: float | Schedule = 10.0,
        lambda_d: float | Schedule | None = None,
    ) -> None:
        super().__init__()
        if kind not in ("i", "ii"):
            raise UserError(f'DIPVAE has the kinds "i" and "ii"; "{kind}" came.')
        if any(isinstance(v, int | float) and v < 0 for v in (lambda_od, lambda_d)):
            raise UserError(
                f"DIPVAE takes weights of at least 0; lambda_od={lambda_od}, lambda_d={lambda_d} came."
            )
        self.kind, self.lambda_od, self.lambda_d = kind, lambda_od, lambda_d

    def check(self, model: Model) -> None:
        require_factorized(model, "DIPVAE")

    def forward(self, trace: Trace) -> Loss:
        q = factors(trace.layers[0])
        assert q is not None
        distortion, rate, terms = halves(trace)
        centered = q.loc - q.loc.mean(0)
        covariance = centered.T @ centered / len(centered)
        if self.kind == "ii":
            covariance = covariance + torch.diag(q.scale.square().mean(0))
        diagonal = covariance.diagonal()
        off = covariance.square().sum() - diagonal.square().sum()
        on = (diagonal - 1).square().sum()
        lambda_od = self.weight(self.lambda_od)
        lambda_d = (10 if self.kind == "i" else 1) * lambda_od
        if self.lambda_d is not None:
            lambda_d = self.weight(self.lambda_d)
        total = (distortion + rate).mean() + lambda_od * off + lambda_d * on
        return Loss(total, terms | {"off_diagonal": off.expand_as(rate), "diagonal": on.expand_as(rate)})
