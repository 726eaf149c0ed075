"""FullGaussian: a Gaussian posterior whose dimensions may depend on each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution, MultivariateNormal

import vaekit.distributions.full_normal  # noqa: F401 - registers its KL to diagonal Gaussians
from vaekit.conditional import Posterior
from vaekit.distributions.diagonal import spread
from vaekit.distributions.shaped import shaped
from vaekit.nets.net import Head, Net, as_shape


class FullGaussian(Posterior):
    """q(z|x) = N(mu(x), L(x) L(x)^T), L lower triangular, drawn as z = mu + L eps. Kingma and Welling, "An Introduction
    to Variational Autoencoders", 2019, section 2.5.1.

    Args:
        net: the encoder network, taking x.
        latent: number of latent dimensions D, or the shape of z; the encoder puts out D (D + 3) / 2 numbers.

    Raises:
        UserError: a latent size below 1.

    Example:
        >>> from vaekit.nets import MLP
        >>> FullGaussian(MLP(784, 400), latent=20)(torch.zeros(8, 784)).covariance_matrix.shape
        torch.Size([8, 20, 20])
    """

    def __init__(self, net: Net, latent: int | Sequence[int]) -> None:
        super().__init__()
        self.net = net
        self.event_shape, self.condition = as_shape(latent), net.condition
        self.size = math.prod(self.event_shape)
        self.rows, self.columns = torch.tril_indices(self.size, self.size, -1).tolist()
        self.head = Head(net.out_shape, (2 * self.size + len(self.rows),), 1)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        (params,) = self.head(self.net(context, condition))
        loc, logvar, below = params.split([self.size, self.size, len(self.rows)], -1)
        tril = torch.diag_embed(spread(logvar))
        tril[..., self.rows, self.columns] = below
        return shaped(MultivariateNormal(loc, scale_tril=tril, validate_args=False), self.event_shape)
