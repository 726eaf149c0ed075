"""Deterministic: one code for each x; it makes a VAE's parts an autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vaekit.conditional import Posterior
from vaekit.distributions.delta import Delta
from vaekit.nets.net import Head, Net, as_shape


class Deterministic(Posterior):
    """z = f(x): the encoder of a plain autoencoder. Train it with `Reconstruction`; it has no KL.

    Args:
        net: the encoder network, taking x.
        latent: number of latent dimensions D, or the shape of z.

    Raises:
        UserError: a latent size below 1.
    """

    is_density = False

    def __init__(self, net: Net, latent: int | Sequence[int]) -> None:
        super().__init__()
        self.net = net
        self.event_shape, self.condition = as_shape(latent), net.condition
        self.head = Head(net.out_shape, self.event_shape, 1)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Delta:
        assert context is not None
        (loc,) = self.head(self.net(context, condition))
        return Delta(loc, len(self.event_shape))
