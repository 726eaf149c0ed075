"""DiagonalGaussian: the posterior of the classic VAE."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.distributions import Independent

from vaekit.conditional import Posterior
from vaekit.distributions.diagonal import diagonal
from vaekit.nets.net import Head, Net, as_shape


class DiagonalGaussian(Posterior):
    """q(z|x) = N(mu(x), diag(exp(logvar(x)))), drawn as z = mu + exp(logvar / 2) * eps.

    Kingma and Welling, "Auto-Encoding Variational Bayes", 2014.

    Args:
        net: the encoder network, taking x.
        latent: number of latent dimensions D, or the shape of z.

    Raises:
        UserError: a latent size below 1.

    Example:
        >>> import torch
        >>> from vaekit.nets import MLP
        >>> qz = DiagonalGaussian(MLP(784, 400), latent=20)(torch.zeros(8, 784))
        >>> qz.batch_shape, qz.event_shape
        (torch.Size([8]), torch.Size([20]))
    """

    def __init__(self, net: Net, latent: int | Sequence[int]) -> None:
        super().__init__()
        self.net = net
        self.event_shape, self.condition = as_shape(latent), net.condition
        self.head = Head(net.out_shape, self.event_shape, 2)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Independent:
        assert context is not None
        loc, logvar = self.head(self.net(context, condition))
        return diagonal(loc, logvar, len(self.event_shape))
