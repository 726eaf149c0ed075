"""WrappedNormal: a posterior on the Poincaré ball."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.conditional import Posterior
from vaekit.distributions.diagonal import spread
from vaekit.distributions.wrapped_normal import WrappedNormal as WrappedNormalDistribution
from vaekit.nets.net import Head, Net
from vaekit.poincare import exp_map, require_curvature


class WrappedNormal(Posterior):
    """q(z|x) wrapped normal on the Poincaré ball, a hyperbolic space, where trees have room. Mathieu et al.,
    "Continuous Hierarchical Representations with Poincaré Variational Auto-Encoders", 2019. Its prior is
    `WrappedNormalPrior`; `LogMap` is the layer of a decoder that reads it.

    Args:
        net: the encoder network, taking x.
        latent: number of dimensions D.
        curvature: c, of a ball of radius 1 / sqrt(c) and curvature -c.

    Raises:
        UserError: no dimension, or a curvature that is not above 0.
    """

    support = "ball"

    def __init__(self, net: Net, latent: int, curvature: float = 1.0) -> None:
        super().__init__()
        require_curvature(curvature, latent, "WrappedNormal")
        self.net, self.curvature = net, curvature
        self.event_shape, self.condition = (latent,), net.condition
        self.head = Head(net.out_shape, self.event_shape, 2)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> WrappedNormalDistribution:
        assert context is not None
        tangent, logvar = self.head(self.net(context, condition))
        loc = exp_map(torch.zeros_like(tangent), tangent, self.curvature)
        return WrappedNormalDistribution(loc, spread(logvar), self.curvature)
