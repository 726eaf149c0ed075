"""RAE: an autoencoder whose smoothness comes from the decoder's regularization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from vaekit.errors import UserError, did_you_mean
from vaekit.objectives.objective import Loss, Objective
from vaekit.objectives.requirements import require_one_layer

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace

KINDS = ("l2", "gradient_penalty")


class RAE(Objective):
    """-log p(x|z) + beta * |z|^2 / 2 + weight * regularizer, z the one code of x.

    Ghosh et al., "From Variational to Deterministic Autoencoders", 2020. Samples come from a prior that is fitted to
    the codes after training.

    Args:
        kind: "l2" is the sum of the squared weights of the decoder (its matrices and kernels; biases and scales are
            left alone); "gradient_penalty" is the squared norm of the Jacobian of the decoded mean at z, estimated
            without bias from one random direction.
        beta: weight of the code's squared length.
        weight: lambda, weight of the regularizer.

    Raises:
        UserError: an unknown kind, or a negative weight.
    """

    is_coupled = False

    def __init__(
        self,
        *,
        kind: Literal["l2", "gradient_penalty"] = "l2",
        beta: float = 1e-4,
        weight: float = 1e-6,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise UserError(f'RAE has no kind "{kind}". {did_you_mean(str(kind), list(KINDS))}')
        if beta < 0 or weight < 0:
            raise UserError(f"RAE takes weights of at least 0; beta={beta}, weight={weight} came.")
        self.kind, self.beta, self.lambda_ = kind, beta, weight

    def check(self, model: Model) -> None:
        require_one_layer(model, "RAE")
        if model.is_density:
            raise UserError(
                "RAE replaces the noise of a VAE by regularization and needs one code for each x; "
                "use the posterior Deterministic, or the objective ELBO."
            )

    def forward(self, trace: Trace) -> Loss:
        distortion = -trace.log_px.mean(0)
        z = trace.layers[0].z[0]
        length = z.square().flatten(1).sum(-1) / 2
        if self.kind == "l2":
            weights = [p for p in self.model.likelihood.parameters() if p.ndim > 1]
            regularizer = torch.stack([p.square().sum() for p in weights]).sum().expand_as(length)
        else:
            regularizer = self.squared_jacobian(z, trace.y)
        total = (distortion + self.beta * length + self.lambda_ * regularizer).mean()
        return Loss(total, {"distortion": distortion, "code": length, "regularizer": regularizer})

    def squared_jacobian(self, z: Tensor, y: Tensor | None) -> Tensor:
        """|d E[x|z] / dz|^2 of each example, (B,): E_v |J^T v|^2 = |J|^2 for v ~ N(0, I). Hutchinson, 1990."""
        with torch.enable_grad():  # in validation too
            z = z if z.requires_grad else z.requires_grad_()
            mean = self.model.decode(z, y).mean
            (gradient,) = torch.autograd.grad(mean, z, torch.randn_like(mean), create_graph=True)
        return gradient.square().flatten(1).sum(-1)
