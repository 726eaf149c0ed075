"""Laplace: the likelihood of continuous data with heavy tails; the absolute error as a density."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.distributions import Distribution
from torch.distributions import Laplace as LaplaceDistribution

from vaekit.conditional import Likelihood
from vaekit.likelihoods.scale import around, scale_of
from vaekit.nets.net import Head, Net, as_shape
from vaekit.schema import Schema


class Laplace(Likelihood):
    """p(x|z) = exp(-|x - mu(z)| / b) / (2 b), independent for each element of x.

    Args:
        net: the decoder network, taking z.
        event_shape: shape of one x.
        scale: b. A number fixes it (absolute error, weighted by 1 / b); "learned" is one weight for all dimensions,
            "per_dimension" one weight each, "network" an output of the decoder, "optimal" the mean absolute error of
            the batch, as in `Gaussian`, its running mean in evaluation. A b that is not fixed stays above 0.001.

    Raises:
        UserError: a scale that is neither above 0 nor one of the names.
    """

    def __init__(self, net: Net, event_shape: int | Sequence[int], *, scale: float | str = "learned") -> None:
        super().__init__()
        self.net = net
        self.event_shape, self.context_shape, self.condition = (
            as_shape(event_shape),
            net.in_shape,
            net.condition,
        )
        self.scale = scale_of(scale, self.event_shape, owner="Laplace", power=1)
        self.head = Head(net.out_shape, self.event_shape, 1 + self.scale.num_params)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        loc, *rest = self.head(self.net(context, condition))
        return around(LaplaceDistribution, loc, rest, self.scale, len(self.event_shape))

    def is_likelihood_of(self, schema: Schema) -> bool:
        """Of continuous data; a density at the grid points of integer data can be raised at will."""
        return schema.levels is None
