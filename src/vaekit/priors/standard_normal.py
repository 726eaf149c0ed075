"""StandardNormal: the prior of the classic VAE."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vaekit.conditional import Prior
from vaekit.nets.net import as_shape


class StandardNormal(Prior):
    """p(z) = N(0, I). Kingma and Welling, 2014.

    Args:
        latent: number of latent dimensions D, or the shape of z.

    Raises:
        UserError: a latent size below 1.
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, latent: int | Sequence[int]) -> None:
        super().__init__()
        self.event_shape = as_shape(latent)
        self.register_buffer("loc", torch.zeros(self.event_shape), persistent=False)
        self.register_buffer("scale", torch.ones(self.event_shape), persistent=False)

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> Independent:
        return Independent(
            Normal(self.loc, self.scale, validate_args=False), len(self.event_shape), validate_args=False
        )
