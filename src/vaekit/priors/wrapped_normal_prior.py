"""WrappedNormalPrior: the standard normal of the Poincaré ball."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.conditional import Posterior, Prior
from vaekit.distributions.wrapped_normal import WrappedNormal
from vaekit.errors import UserError
from vaekit.poincare import require_curvature


class WrappedNormalPrior(Prior):
    """p(z): the standard normal of the tangent space at the origin, wrapped onto the Poincaré ball. Mathieu et al.,
    "Continuous Hierarchical Representations with Poincaré Variational Auto-Encoders", 2019.

    Args:
        latent: number of dimensions D.
        curvature: c, that of the posterior.

    Raises:
        UserError: no dimension, or a curvature that is not above 0.
    """

    support = "ball"
    loc: Tensor
    scale: Tensor

    def __init__(self, latent: int, curvature: float = 1.0) -> None:
        super().__init__()
        require_curvature(curvature, latent, "WrappedNormalPrior")
        self.event_shape, self.curvature = (latent,), curvature
        self.register_buffer("loc", torch.zeros(latent), persistent=False)
        self.register_buffer("scale", torch.ones(latent), persistent=False)

    def check(self, posterior: Posterior) -> None:
        super().check(posterior)
        if getattr(posterior, "curvature", None) != self.curvature:
            raise UserError(
                f"WrappedNormalPrior has curvature {self.curvature} and {type(posterior).__name__} "
                f"{getattr(posterior, 'curvature', None)}; both live on one ball, so give them the same."
            )

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> WrappedNormal:
        return WrappedNormal(self.loc, self.scale, self.curvature)
