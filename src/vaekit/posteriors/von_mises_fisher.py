"""VonMisesFisher: a posterior on the unit sphere."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from vaekit.conditional import Posterior
from vaekit.distributions.von_mises_fisher import VonMisesFisher as VonMisesFisherDistribution
from vaekit.errors import UserError
from vaekit.nets.net import Head, Net

# Smallest concentration; below it the density is the uniform one to four digits, and its logarithm has no slope.
MIN_CONCENTRATION = 1.0
MAX_CONCENTRATION = 1e6


class VonMisesFisher(Posterior):
    """q(z|x) = vMF(mu(x), kappa(x)) on the unit sphere of D dimensions. Davidson et al., "Hyperspherical Variational
    Auto-Encoders", 2018. Its prior is `SphereUniform`; with it the posterior cannot collapse onto the origin.

    Args:
        net: the encoder network, taking x.
        latent: number D of coordinates; the sphere has D - 1 dimensions.

    Raises:
        UserError: fewer than 2 coordinates.
    """

    support = "sphere"

    def __init__(self, net: Net, latent: int) -> None:
        super().__init__()
        if not isinstance(latent, int) or latent < 2:
            raise UserError(f"A sphere needs at least 2 coordinates; latent={latent} came.")
        self.net = net
        self.event_shape, self.condition = (latent,), net.condition
        self.head = Head(net.out_shape, (latent + 1,), 1)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> VonMisesFisherDistribution:
        assert context is not None
        (params,) = self.head(self.net(context, condition))
        concentration = (F.softplus(params[..., -1]) + MIN_CONCENTRATION).clamp(max=MAX_CONCENTRATION)
        return VonMisesFisherDistribution(F.normalize(params[..., :-1], dim=-1), concentration)
