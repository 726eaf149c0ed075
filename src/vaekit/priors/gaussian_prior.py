"""GaussianPrior: a Gaussian whose mean and variance a network gives; priors of lower layers and of classes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.distributions import Independent

from vaekit.conditional import Prior
from vaekit.distributions.diagonal import diagonal
from vaekit.nets.net import Head, Net, as_shape


class GaussianPrior(Prior):
    """p(z|c) = N(mu(c), diag(exp(logvar(c)))), where c is the latent above, or the class at the top of a model.

    Sonderby et al., "Ladder Variational Autoencoders", 2016; Sohn et al., "Learning Structured Output Representation
    using Deep Conditional Generative Models", 2015.

    Args:
        net: the network, taking the context.
        latent: number of latent dimensions D, or the shape of z.

    Raises:
        UserError: a latent size below 1.
    """

    def __init__(self, net: Net, latent: int | Sequence[int]) -> None:
        super().__init__()
        self.net = net
        self.event_shape, self.condition = as_shape(latent), net.condition
        self.context_shape = net.in_shape
        self.head = Head(net.out_shape, self.event_shape, 2)

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> Independent:
        assert context is not None
        loc, logvar = self.head(self.net(context, condition))
        return diagonal(loc, logvar, len(self.event_shape))
