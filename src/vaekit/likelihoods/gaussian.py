"""Gaussian: the likelihood of continuous data."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.distributions import Distribution, Normal

from vaekit.conditional import Likelihood
from vaekit.likelihoods.scale import around, scale_of
from vaekit.nets.net import Head, Net, as_shape
from vaekit.schema import Schema


class Gaussian(Likelihood):
    """p(x|z) = N(mu(z), sigma^2), independent for each element of x. Kingma and Welling, 2014.

    Args:
        net: the decoder network, taking z.
        event_shape: shape of one x.
        scale: sigma. A number fixes it (squared error, weighted by 1 / (2 sigma^2)); "learned" is one weight for all
            dimensions, "per_dimension" one weight each, "network" an output of the decoder; "optimal" is the
            root mean squared error of the batch in training (Rybkin, Daniilidis and Levine, "Simple and Effective VAE
            Training with Calibrated Decoders", 2021), its running mean in evaluation.
            A sigma that is not fixed stays above 0.001.

    Raises:
        UserError: a scale that is neither above 0 nor one of the names.

    Example:
        >>> import torch
        >>> from vaekit.nets import MLP
        >>> Gaussian(MLP(2, 16), 5, scale=0.1)(torch.zeros(3, 2)).variance.sqrt()[0, :2]
        tensor([0.1000, 0.1000])
    """

    def __init__(self, net: Net, event_shape: int | Sequence[int], *, scale: float | str = "learned") -> None:
        super().__init__()
        self.net = net
        self.event_shape, self.context_shape, self.condition = (
            as_shape(event_shape),
            net.in_shape,
            net.condition,
        )
        self.scale = scale_of(scale, self.event_shape, owner="Gaussian", power=2)
        self.head = Head(net.out_shape, self.event_shape, 1 + self.scale.num_params)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        loc, *rest = self.head(self.net(context, condition))
        return around(Normal, loc, rest, self.scale, len(self.event_shape))

    def is_likelihood_of(self, schema: Schema) -> bool:
        """Of continuous data; a density at the grid points of integer data can be raised at will."""
        return schema.levels is None
