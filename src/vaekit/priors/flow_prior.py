"""FlowPrior: a normalizing flow as the prior."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vaekit.conditional import Prior
from vaekit.distributions.flow import Affine, Chained, Flow
from vaekit.distributions.shaped import shaped
from vaekit.errors import UserError, did_you_mean
from vaekit.nets.flow import flow_network
from vaekit.nets.net import as_shape

FLOWS = ("realnvp", "spline", "maf", "iaf")


class FlowPrior(Prior):
    """p(z) = N(f(z); 0, I) |det df/dz|, f an invertible network trained with the model.

    Chen et al., "Variational Lossy Autoencoder", 2017.

    Args:
        latent: number of latent dimensions D, or the shape of z.
        flow: "realnvp" (Dinh et al., 2017) or "spline" (Durkan et al., 2019), couplings that are quick both ways; "maf"
            (Papamakarios et al., 2017), autoregressive, sampled in D passes; "iaf" (Kingma et al., 2016), the same
            the other way round, whose density takes D passes.
        num_transforms: number of invertible layers.
        hidden: widths of the hidden layers of each.
        condition: number of condition features, a class for example; 0 for none.

    Raises:
        UserError: an unknown flow, a size below 1, or couplings of a single dimension.

    Example:
        >>> FlowPrior(4)(None).sample((5,)).shape
        torch.Size([5, 4])
    """

    loc: Tensor
    scale: Tensor
    shift: Tensor
    stretch: Tensor

    def __init__(
        self,
        latent: int | Sequence[int],
        flow: str = "realnvp",
        *,
        num_transforms: int = 6,
        hidden: int | Sequence[int] = (128, 128),
        condition: int = 0,
    ) -> None:
        super().__init__()
        self.event_shape, self.condition = as_shape(latent), condition
        D = math.prod(self.event_shape)
        if flow not in FLOWS:
            raise UserError(f'FlowPrior has no flow "{flow}". {did_you_mean(flow, FLOWS)}')
        self.is_inverse = flow == "iaf"
        self.flow = flow_network(
            "maf" if flow == "iaf" else flow,
            D,
            context=condition,
            num_transforms=num_transforms,
            hidden=as_shape(hidden),
            owner="FlowPrior",
        )
        self.register_buffer("loc", torch.zeros(D), persistent=False)
        self.register_buffer("scale", torch.ones(D), persistent=False)
        self.register_buffer("shift", torch.zeros(D))
        self.register_buffer("stretch", torch.ones(D))

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> Distribution:
        if not self.condition:
            condition = None
        elif condition is None:
            raise UserError(f"FlowPrior was built for a condition of {self.condition} features; none came.")
        batch = () if condition is None else condition.shape[:-1]
        loc, scale = (value.expand(*batch, -1) for value in (self.loc, self.scale))
        base = Independent(Normal(loc, scale, validate_args=False), 1, validate_args=False)
        bent = self.flow(condition)
        transform = Chained(bent if self.is_inverse else bent.inv, Affine(self.shift, self.stretch))
        return shaped(Flow(base, transform), self.event_shape)

    @torch.no_grad()
    def standardize(self, z: Tensor) -> None:
        """Let the flow see codes z (N, *latent) with mean 0 and spread 1; splines bend [-5, 5] only."""
        z = z.flatten(1)
        self.shift.copy_(z.mean(0))
        self.stretch.copy_(z.std(0).clamp(min=1e-6))
