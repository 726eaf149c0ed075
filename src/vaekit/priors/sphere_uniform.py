"""SphereUniform: every direction equally likely."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.conditional import Prior
from vaekit.distributions.von_mises_fisher import SphereUniform as SphereUniformDistribution
from vaekit.errors import UserError


class SphereUniform(Prior):
    """p(z) uniform on the unit sphere of D dimensions. Davidson et al., "Hyperspherical VAEs", 2018.

    Args:
        latent: number D of coordinates.

    Raises:
        UserError: fewer than 2 coordinates.
    """

    support = "sphere"
    like: Tensor

    def __init__(self, latent: int) -> None:
        super().__init__()
        if not isinstance(latent, int) or latent < 2:
            raise UserError(f"A sphere needs at least 2 coordinates; latent={latent} came.")
        self.event_shape = (latent,)
        self.register_buffer("like", torch.zeros(latent), persistent=False)

    def forward(
        self, context: Tensor | None = None, condition: Tensor | None = None
    ) -> SphereUniformDistribution:
        return SphereUniformDistribution(self.like)
