"""Poisson: the likelihood of counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Independent
from torch.distributions import Poisson as PoissonDistribution

from vaekit.conditional import Likelihood
from vaekit.distributions.counts import Counts
from vaekit.likelihoods.grid import check_grid, check_levels, is_on_grid
from vaekit.nets.net import Head, Net, as_shape
from vaekit.schema import Schema

# Smallest expected count: below it an observed count would cost more nats than any model can earn back.
MIN_RATE = 1e-4
START_OFFSET = math.log(math.expm1(1.0))  # an untrained network expects counts of about 1


class Poisson(Likelihood):
    """p(x|z) of counts n = 0, 1, 2, ..., the data's integer levels: Poisson with the rate that the network gives.

    Salakhutdinov and Hinton, "Semantic Hashing", 2009, for words; Zhao et al., "Variational Autoencoders for Neural
    Spike Data", 2020.

    Args:
        net: the decoder network, taking z.
        event_shape: shape of one x.
        levels: number of levels of the data; a count n is x = n / (levels - 1).

    Raises:
        UserError: fewer than 2 levels.
    """

    def __init__(self, net: Net, event_shape: int | Sequence[int], *, levels: int = 256) -> None:
        super().__init__()
        self.net, self.levels = net, check_levels(levels)
        self.event_shape, self.context_shape, self.condition = (
            as_shape(event_shape),
            net.in_shape,
            net.condition,
        )
        self.head = Head(net.out_shape, self.event_shape, 1)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Independent:
        assert context is not None
        (raw,) = self.head(self.net(context, condition))
        counts = Counts(PoissonDistribution(rate_of(raw), validate_args=False), self.levels)
        return Independent(counts, len(self.event_shape), validate_args=False)

    def check(self, schema: Schema) -> None:
        check_grid("Poisson", self.levels, schema)

    def is_likelihood_of(self, schema: Schema) -> bool:
        return is_on_grid(self.levels, schema)


def rate_of(raw: Tensor) -> Tensor:
    """An expected count from a network's output; softplus, not exp: an outlier cannot overflow it."""
    return MIN_RATE + F.softplus(raw + START_OFFSET)
